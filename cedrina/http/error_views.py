"""Responses to errors outside of views: a problem (RFC 9457) for programs, a page for people."""

import sys

from django.http import HttpRequest, HttpResponse

from cedrina.http import error_pages, problems


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return error_pages.response(request, "malformed_request")


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    return error_pages.response(request, "permission_denied")


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return error_pages.response(request, "not_found")


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer 500, or 503 when the database is unavailable.

    Django calls this while the exception is being handled, so ``sys.exc_info()`` has it.
    """
    is_outage = problems.is_database_outage(sys.exc_info()[1])
    return error_pages.response(request, "service_unavailable" if is_outage else "internal_error")


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    return error_pages.response(request, "permission_denied", advice=error_pages.FORM_EXPIRED)
