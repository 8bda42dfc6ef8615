"""A decorator for plain views, for projects that limit some of them without the middleware."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from ratelimiting.api.request_limits import add_headers, limit_request, refusal_response

View = Callable[..., Any]


def limited(view: View) -> View:
    """Judge each request of a view by the policies that match its route; the answer tells what is left."""

    @wraps(view)
    def judging(request: Any, *args: Any, **options: Any) -> Any:
        outcome = getattr(request, "rate_limit", None) or limit_request(request)
        response = view(request, *args, **options) if outcome.is_allowed else refusal_response(request, outcome)
        add_headers(response, outcome)
        return response

    return judging
