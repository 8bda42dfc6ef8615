"""What a request tells about itself, for whoever limits it: middleware, decorator or throttle."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING, Any

from ratelimiting.api import headers
from ratelimiting.client_addresses.resolution import client_ip_from_environ
from ratelimiting.conf import finder_of, rate_limiting_settings
from ratelimiting.services.request_limits import decide_request
from ratelimiting.types import UNMATCHED_ROUTE, RequestAttributes, RequestDecision

if TYPE_CHECKING:
    from django.http import HttpRequest
    from django.http.response import HttpResponseBase


def request_attributes(request: HttpRequest) -> RequestAttributes:
    """Return what limits depend on. The route's name stands for the path, however the path was spelt."""
    match = request.resolver_match
    return RequestAttributes(
        route=UNMATCHED_ROUTE if match is None else match.view_name,
        method=request.method or "",
        address=client_address(request),
        caller=rate_limiting_settings.CALLER(request),
        find=partial(_find, request),
        user_agent=request.META.get("HTTP_USER_AGENT", ""),
        correlation_id=getattr(request, "correlation_id", ""),
    )


def client_address(request: HttpRequest) -> str | None:
    """Return the client's address, as the project's middleware resolved it if there is one."""
    if hasattr(request, "client_ip"):
        return request.client_ip  # type: ignore[no-any-return]  # set by whoever stands in front
    return client_ip_from_environ(request.META)


def limit_request(request: HttpRequest) -> RequestDecision:
    """Decide over a request and remember it there, for the headers of whatever answer it gets."""
    outcome = decide_request(facts=request_attributes(request))
    request.rate_limit = outcome  # type: ignore[attr-defined]
    return outcome


def refusal_response(request: HttpRequest, outcome: RequestDecision) -> HttpResponseBase:
    """Render the answer 429 as the project wants it."""
    wait = headers.seconds_to_wait(outcome.retry_after)
    response: HttpResponseBase = rate_limiting_settings.REFUSAL(request, wait)
    response.headers["Retry-After"] = str(wait)
    return response


def add_headers(response: HttpResponseBase, outcome: RequestDecision) -> None:
    """Tell the client its tightest quota."""
    if outcome.shown is not None:
        for name, value in headers.render(outcome.shown, unix_now=time.time()):
            response.headers[name] = value


def _find(request: Any, name: str) -> str | None:
    dotted = rate_limiting_settings.KEYS.get(name)
    return None if dotted is None else finder_of(dotted)(request)
