"""Django middleware that limits every request before it costs a database query."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.core.exceptions import ImproperlyConfigured

from ratelimiting.api.request_limits import add_rate_limit_headers, limit_request, refusal_response
from ratelimiting.errors import PolicyInvalid
from ratelimiting.services import active_policies, background_thread

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpRequest
    from django.http.response import HttpResponseBase


class RateLimitMiddleware:
    """Decides about each request as soon as Django has resolved its route, before any view or later middleware hook.

    A request whose path matches no route is decided after Django has found that out. All such paths are one route.

    Raises: ImproperlyConfigured at start, if a policy in the settings is invalid.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response
        try:
            active_policies.current()
        except PolicyInvalid as error:
            raise ImproperlyConfigured("\n".join(map(str, error.faults))) from error

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        background_thread.wait_for_policies()
        response = self.get_response(request)
        decision = getattr(request, "rate_limit", None)
        if decision is None:
            decision = limit_request(request)
            if not decision.is_allowed:
                if response.streaming:
                    response.close()  # closes the file that it would have streamed
                response = refusal_response(request, decision)
        add_rate_limit_headers(response, decision)
        return response

    def process_view(self, request: HttpRequest, *_view: Any) -> HttpResponseBase | None:
        background_thread.note_routes_loaded()
        decision = limit_request(request)
        return None if decision.is_allowed else refusal_response(request, decision)
