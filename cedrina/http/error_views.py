"""Responses to errors outside of views: a problem (RFC 9457) for programs, a page for people."""

import sys
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from accounts.branding.brand import current as current_brand
from cedrina.http import problems
from cedrina.http.paths import answers_html
from cedrina.http.problem_catalogue import PROBLEMS


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _answer(request, "malformed_request")


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _answer(request, "permission_denied")


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _answer(request, "not_found")


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer 500, or 503 when the database is unavailable.

    Django calls this while the exception is being handled, so ``sys.exc_info()`` has it.
    """
    return _answer(
        request, "service_unavailable" if problems.is_database_outage(sys.exc_info()[1]) else "internal_error"
    )


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    return _answer(request, "permission_denied")


def _answer(request: HttpRequest, code: str) -> HttpResponse:
    if not answers_html(request.path):
        return problems.response(request, code)
    kind = PROBLEMS[code]
    context: dict[str, Any] = {
        "problem": kind,
        "brand": current_brand(),
        "correlation_id": getattr(request, "correlation_id", ""),
    }
    answer = render(request, "errors/problem.html", context, status=kind.status)
    if code == "service_unavailable":
        answer["Retry-After"] = str(problems.RETRY_AFTER_SECONDS)
    return answer
