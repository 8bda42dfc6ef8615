"""Render errors as application/problem+json (RFC 9457)."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import orjson
import psycopg
import structlog
from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.db import Error as DatabaseError
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.encoding import escape_uri_path, force_str
from django.utils.translation import get_language, ngettext
from rest_framework.exceptions import APIException, ErrorDetail, ValidationError
from rest_framework.response import Response

from cedrina.http.problem_catalogue import CODE_OF_DRF, FIELD_CODES, PROBLEMS, code_of_status

CONTENT_TYPE = "application/problem+json"
RETRY_AFTER_SECONDS = 2
# A small body with many unknown members must not cause a response many times its size.
MAX_ERRORS = 100
CHALLENGE = 'Bearer realm="cedrina"'
log = structlog.get_logger(__name__)


def build(
    *,
    code: str,
    instance: str,
    correlation_id: str,
    detail: str = "",
    status: int | None = None,
    errors: list[dict[str, str]] | None = None,
) -> dict[str, Any]:
    """Return the members of one problem, in the active language."""
    kind = PROBLEMS[code]
    problem: dict[str, Any] = {
        "type": f"{settings.PROBLEM_TYPE_BASE}{code}",
        "title": force_str(kind.title),
        "status": status or kind.status,
        "detail": detail or force_str(kind.detail),
        "instance": escape_uri_path(instance),  # a URI reference (RFC 9457, 3.1.5), not what it decodes to
        "code": code,
        "correlation_id": correlation_id,
        "timestamp": datetime.now(UTC).replace(tzinfo=None, microsecond=0).isoformat() + "Z",
    }
    if errors is not None:
        problem["errors"] = errors
    return problem


def response(request: HttpRequest, code: str, *, detail: str = "", status: int | None = None) -> HttpResponse:
    """Return a problem as a response of Django, for code outside of Django REST framework."""
    problem = build(
        code=code,
        instance=request.path,
        correlation_id=getattr(request, "correlation_id", ""),
        detail=detail,
        status=status,
    )
    answer = HttpResponse(orjson.dumps(problem), content_type=CONTENT_TYPE, status=problem["status"])
    for name, value in _headers(problem["status"], None):
        answer[name] = value
    if code == "service_unavailable":
        answer._has_been_logged = True  # type: ignore[attr-defined]  # noqa: SLF001 - the outage itself is logged, once
    return answer


def problem_handler(exc: Exception, context: dict[str, Any]) -> Response | None:
    """Return a response for an exception of a view. ``None`` means a bug: Django logs it and calls ``handler500``."""
    request = context["request"]
    if isinstance(exc, Http404):
        code, detail, status, errors = "not_found", "", 404, None
    elif isinstance(exc, PermissionDenied):
        code, detail, status, errors = "permission_denied", "", 403, None
    elif isinstance(exc, ValidationError):
        errors = list(field_errors(exc.detail))
        code, detail, status = "validation_error", _count(len(errors)), 422
        errors = errors[:MAX_ERRORS]
    elif isinstance(exc, APIException):
        code, detail = _refusal(exc)
        status, errors = exc.status_code, None
    elif is_database_outage(exc):
        log.warning("database_unavailable", error=type(exc).__name__, path=request.path)
        code, detail, status, errors = "service_unavailable", "", 503, None
    else:
        return None
    problem = build(
        code=code,
        instance=request.path,
        correlation_id=getattr(request, "correlation_id", ""),
        detail=detail,
        status=status,
        errors=errors,
    )
    answer = Response(problem, status=status, content_type=CONTENT_TYPE)
    for name, value in _headers(status, exc):
        answer[name] = value
    if status == 503:
        answer._has_been_logged = True  # type: ignore[attr-defined]  # noqa: SLF001 - logged above, or caused by a full queue
    return answer


def is_database_outage(exc: BaseException | None) -> bool:
    """Return whether the database is unavailable for now: unreachable, out of connections, too slow or read-only."""
    if isinstance(exc, (OperationalError, InterfaceError, psycopg.OperationalError, psycopg.InterfaceError)):
        return True
    cause = exc.__cause__ if isinstance(exc, DatabaseError) else exc
    return isinstance(cause, psycopg.errors.ReadOnlySqlTransaction)


NON_FIELD = "non_field_errors"


def field_errors(detail: Any, path: str = "") -> Iterator[dict[str, str]]:
    """Yield one entry for each message of a validation error. The names of nested fields are joined by dots."""
    if isinstance(detail, dict):
        for name, inner in detail.items():
            # An error of a nested object as a whole belongs to the member that holds it.
            is_whole = path and name == NON_FIELD
            yield from field_errors(inner, path if is_whole else f"{path}.{name}" if path else str(name))
    elif isinstance(detail, (list, tuple)):
        for position, inner in enumerate(detail):
            nested = isinstance(inner, (dict, list))
            yield from field_errors(inner, f"{path}.{position}" if nested and path else path)
    else:
        code = getattr(detail, "code", "invalid")
        yield {
            "field": path or NON_FIELD,
            "code": code if code in FIELD_CODES else _FIELD_CODE_OF_FRAMEWORK.get(code, "invalid"),
            "detail": str(detail),
        }


_FIELD_CODE_OF_FRAMEWORK = {"max_string_length": "max_length", "empty": "required"}


def _refusal(exc: APIException) -> tuple[str, str]:
    """Return the code and the detail of an APIException."""
    detail = exc.detail
    if not isinstance(detail, ErrorDetail):
        return code_of_status(exc.status_code), ""
    given = detail.code or ""
    code = CODE_OF_DRF.get(given, given)
    if code != given or code not in PROBLEMS:
        # The framework's own detail describes its internals.
        return (code if code in PROBLEMS else code_of_status(exc.status_code)), ""
    return code, "" if code in _OWN_WORDS else str(detail)


_OWN_WORDS = frozenset({"method_not_allowed", "not_acceptable", "unsupported_media_type", "not_found"})


def _headers(status: int, exc: Exception | None) -> Iterator[tuple[str, str]]:
    yield "Content-Language", get_language() or settings.LANGUAGE_CODE
    yield "Vary", "Accept-Language"
    if status == 401:
        challenge = getattr(exc, "auth_header", None)
        yield "WWW-Authenticate", str(challenge) if challenge else CHALLENGE
    wait = getattr(exc, "wait", None)
    if wait is not None:
        yield "Retry-After", str(max(1, int(wait)))
    elif status == 503:
        yield "Retry-After", str(RETRY_AFTER_SECONDS)
    for name, value in getattr(exc, "headers", {}).items():
        yield name, str(value)


def _count(number: int) -> str:
    return ngettext("%(number)d field is not valid.", "%(number)d fields are not valid.", number) % {"number": number}
