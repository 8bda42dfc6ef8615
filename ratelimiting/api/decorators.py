"""A decorator for single views, for projects without the middleware."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from ratelimiting.api.request_limits import add_rate_limit_headers, limit_request, refusal_response

View = Callable[..., Any]


def limited(view: View) -> View:
    """Limit a view by the policies that match its route. A request that the middleware decided is not counted again."""

    @wraps(view)
    def limited_view(request: Any, *args: Any, **options: Any) -> Any:
        decision = getattr(request, "rate_limit", None) or limit_request(request)
        response = view(request, *args, **options) if decision.is_allowed else refusal_response(request, decision)
        add_rate_limit_headers(response, decision)
        return response

    return limited_view
