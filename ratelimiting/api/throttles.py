"""A throttle of Django REST framework for single views, for projects without the middleware."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rest_framework.throttling import BaseThrottle

from ratelimiting.api.request_limits import request_attributes
from ratelimiting.callers import django_user
from ratelimiting.services.request_limits import decide_request

if TYPE_CHECKING:
    from rest_framework.request import Request


class PolicyThrottle(BaseThrottle):
    """Limits a view by the policies that match its route; the caller is the user of the framework's authentication.

    A request that the middleware decided is not counted again.
    """

    _wait: float | None = None

    def allow_request(self, request: Request, view: Any) -> bool:
        plain = request._request  # noqa: SLF001 - the framework has no public name for Django's request
        decision = getattr(plain, "rate_limit", None)
        if decision is None:
            attributes = request_attributes(plain)._replace(caller=django_user(request))
            decision = decide_request(attributes=attributes)
            plain.rate_limit = decision  # type: ignore[attr-defined]  # an attribute that Django's class lacks
        self._wait = decision.retry_after
        return bool(decision.is_allowed)

    def wait(self) -> float | None:
        return self._wait
