"""A throttle for Django REST framework, for projects that limit single views of it without the middleware."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from rest_framework.throttling import BaseThrottle

from ratelimiting.api.request_limits import request_attributes
from ratelimiting.callers import django_user
from ratelimiting.services.request_limits import decide_request

if TYPE_CHECKING:
    from rest_framework.request import Request


class PolicyThrottle(BaseThrottle):
    """Judges by the policies of the settings and the database; who calls is known by the framework's authentication.

    Where the middleware has judged a request already, it does not count twice.
    """

    _wait: float | None = None

    def allow_request(self, request: Request, view: Any) -> bool:
        plain = request._request  # noqa: SLF001 - what the middleware has seen
        outcome = getattr(plain, "rate_limit", None)
        if outcome is None:
            outcome = decide_request(facts=replace(request_attributes(plain), caller=django_user(request)))
            plain.rate_limit = outcome  # type: ignore[attr-defined]
        self._wait = outcome.retry_after
        return bool(outcome.is_allowed)

    def wait(self) -> float | None:
        return self._wait
