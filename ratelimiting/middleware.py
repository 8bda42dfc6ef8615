"""Limits in front of everything: a flood is shed before it costs a database query."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.core.exceptions import ImproperlyConfigured

from ratelimiting.api.request_limits import add_headers, limit_request, refusal_response
from ratelimiting.errors import PolicyInvalid
from ratelimiting.services import active_policies, background_thread

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpRequest
    from django.http.response import HttpResponseBase


class RateLimitMiddleware:
    """Judges each request once its route is known, which Django finds anyway, and before anything else looks at it.

    What leads nowhere is judged after that was found out, under one name for all such paths.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response
        try:
            active_policies.from_settings()
        except PolicyInvalid as error:
            raise ImproperlyConfigured("\n".join(map(str, error.faults))) from error
        background_thread.start()

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        background_thread.wait_for_policies()
        response = self.get_response(request)
        outcome = getattr(request, "rate_limit", None)
        if outcome is None:
            outcome = limit_request(request)
            if not outcome.is_allowed:
                if response.streaming:
                    response.close()  # an open file; what is in memory needs no end of its own
                response = refusal_response(request, outcome)
        add_headers(response, outcome)
        return response

    def process_view(self, request: HttpRequest, *_view: Any) -> HttpResponseBase | None:
        outcome = limit_request(request)
        return None if outcome.is_allowed else refusal_response(request, outcome)
