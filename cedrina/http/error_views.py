"""What is answered where no view answers: a problem to programs, a page to people."""

import sys
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from cedrina.http import problems
from cedrina.http.paths import speaks_html
from cedrina.http.problem_catalogue import PROBLEMS


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _answer(request, "malformed_request")


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _answer(request, "permission_denied")


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _answer(request, "not_found")


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer a bug with 500. What the database did is no bug: Django asks while its exception is still at hand."""
    return _answer(request, "service_unavailable" if problems.is_outage(sys.exc_info()[1]) else "internal_error")


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    return _answer(request, "permission_denied")


def _answer(request: HttpRequest, code: str) -> HttpResponse:
    if not speaks_html(request.path):
        return problems.response(request, code)
    kind = PROBLEMS[code]
    context: dict[str, Any] = {"problem": kind, "correlation_id": getattr(request, "correlation_id", "")}
    answer = render(request, "errors/problem.html", context, status=kind.status)
    if code == "service_unavailable":
        answer["Retry-After"] = str(problems.UNAVAILABLE_SECONDS)
    return answer
