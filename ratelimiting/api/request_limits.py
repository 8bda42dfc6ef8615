"""Limit an HTTP request: what the middleware, the decorator and the throttle have in common."""

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
    """Return what limits depend on. The route's name replaces the path, which can be written in many ways."""
    match = request.resolver_match
    return RequestAttributes(
        route=UNMATCHED_ROUTE if match is None else match.view_name,
        method=request.method or "",
        address=client_address(request),
        caller=rate_limiting_settings.CALLER(request),
        find_key=partial(_find_key, request),
        user_agent=request.META.get("HTTP_USER_AGENT", ""),
        correlation_id=getattr(request, "correlation_id", ""),
    )


def client_address(request: HttpRequest) -> str | None:
    """Return the client's address; the project's own middleware may have set it as ``request.client_ip``."""
    if hasattr(request, "client_ip"):
        return request.client_ip  # type: ignore[no-any-return]  # an attribute that Django's class does not declare
    return client_ip_from_environ(request.META)


def limit_request(request: HttpRequest) -> RequestDecision:
    """Decide about a request, and keep the decision on it for the headers of its response."""
    decision = decide_request(attributes=request_attributes(request))
    request.rate_limit = decision  # type: ignore[attr-defined]  # as above
    return decision


def refusal_response(request: HttpRequest, decision: RequestDecision) -> HttpResponseBase:
    """Return the answer 429 of the project, with ``Retry-After``."""
    wait = headers.seconds_to_wait(decision.retry_after)
    response: HttpResponseBase = rate_limiting_settings.REFUSAL(request, wait)
    response.headers["Retry-After"] = str(wait)
    return response


def add_rate_limit_headers(response: HttpResponseBase, decision: RequestDecision) -> None:
    """Add the headers that show the tightest quota."""
    if decision.advertised is not None:
        for name, value in headers.render(decision.advertised, unix_now=time.time()):
            response.headers[name] = value


def _find_key(request: Any, name: str) -> str | None:
    dotted = rate_limiting_settings.KEYS.get(name)
    return None if dotted is None else finder_of(dotted)(request)
