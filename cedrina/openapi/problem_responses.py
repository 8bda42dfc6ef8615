"""The errors of an operation as responses of the document, each shared by all operations that have the same codes.

Every error has one schema, ``Problem``, so that a generated client has one type to handle. Which codes a response may
have is in its description, and what each code means in that of the schema. Two errors are shown; examples of each would
repeat both descriptions: they were 14 kB.

Errors that any call or any body may get, and that no client treats by operation, are described by one response for a
range of statuses, which names each status (OpenAPI 3.1.1, 4.8.16.2): "408 `request_timeout`: Request timeout." One
reference for each status and operation was a fifth of the document; these six statuses were half of that.
"""

from collections.abc import Container, Iterable
from typing import Any

from cedrina.http.problem_catalogue import FIELD_CODES, PROBLEMS
from cedrina.http.problems import CONTENT_TYPE
from cedrina.http.request_limits import BODY_TIMEOUT_CODE
from cedrina.openapi.headers import HEADERS, ON_EVERY_RESPONSE, header_references, is_limited, rate_limit_headers

Document = dict[str, Any]

# What an operation with an access token may answer with 401, and the name of that set.
WITH_TOKEN = ("authentication_required", "invalid_token", "session_expired", "session_revoked", "token_expired")
ACCESS_TOKEN_REFUSED = "AccessTokenRefused"
PROBLEM = {"$ref": "#/components/schemas/Problem"}
EXAMPLE_ID = "4f8a2c1e"
EXAMPLE_TIME = "2026-01-05T10:00:00Z"
EXAMPLE_BASE = "https://cedrina.dev/problems/"
EXAMPLE_PATH = "/api/v1/auth/me"
VALIDATION_ERROR = "validation_error"
IN_RANGES = {
    "4XX": (
        "malformed_request",
        "not_acceptable",
        "request_timeout",
        "payload_too_large",
        "unsupported_media_type",
    ),
    "5XX": ("internal_error", "service_unavailable"),
}
_SHOWN_ALONE = (["invalid_credentials"], [VALIDATION_ERROR])
_HEADERS_OF_STATUS = {401: ("WWW-Authenticate",), 429: ("Retry-After", *ON_EVERY_RESPONSE), 503: ("Retry-After",)}


def limit_codes() -> tuple[str, ...]:
    """Return what the limiter may answer to any request."""
    return ("rate_limited",) if is_limited() else ()


def codes_by_status(codes: Iterable[str]) -> dict[int, list[str]]:
    """Return the codes, each once and in order, by their status.

    Raises: KeyError for a code that is not in the catalogue.
    """
    by_status: dict[int, list[str]] = {}
    for code in sorted(set(codes)):
        by_status.setdefault(PROBLEMS[code].status, []).append(code)
    return dict(sorted(by_status.items()))


def codes_by_response(codes: Iterable[str], *, own: Container[str] = ()) -> dict[str, list[str]]:
    """Return the codes by the key of their response in an operation: the status, or a range of several statuses.

    A status of ``own`` has a response of the view itself, and stays apart.
    """
    by_status = codes_by_status(codes)
    by_key = {str(status): found for status, found in by_status.items()}
    for key, common in IN_RANGES.items():
        alone = [status for status, found in by_key.items() if set(found) <= set(common) and status not in own]
        if len(alone) > 1:
            by_key[key] = [code for status in alone for code in by_key.pop(status)]
    return by_key


def response_name(codes: Iterable[str], *, field_codes: Iterable[str] | None = None) -> str:
    """Return the name of the shared response of some codes: ``InvalidCredentialsOrInvalidMfaCode``.

    The codes of the fields of a validation error follow: ``ValidationErrorOfBlankOrRequired``.
    """
    names = set(codes)
    parts = [_pascal(code) for code in sorted(names)]
    if names >= set(WITH_TOKEN):
        parts = [ACCESS_TOKEN_REFUSED, *(_pascal(code) for code in sorted(names - set(WITH_TOKEN)))]
    name = "Or".join(parts)
    return f"{name}Of{'Or'.join(map(_pascal, sorted(set(field_codes))))}" if field_codes else name


def problem_response(codes: list[str], *, field_codes: Iterable[str] | None = None) -> Document:
    """Return the response of some codes, in the order of their statuses. ``field_codes`` are of a validation error."""
    statuses = codes_by_status(codes)
    is_range = len(statuses) > 1
    description = " ".join(f"{f'{PROBLEMS[code].status} ' if is_range else ''}{_named(code)}." for code in codes)
    if VALIDATION_ERROR in codes:
        listed = ", ".join(f"`{code}`" for code in sorted(set(field_codes or FIELD_CODES)))
        description += f" Codes in `errors`: {listed}."
    headers: Document = {}
    for status in statuses:
        names = _HEADERS_OF_STATUS.get(status, ())
        headers.update(_headers_in_range(status, names) if is_range else header_references(*names))
    headers |= _rate_limit_headers_beside(codes)
    return {
        "description": description,
        **({"headers": headers} if headers else {}),
        "content": {CONTENT_TYPE: {"schema": PROBLEM, **_shown(codes, is_plain=field_codes is None)}},
    }


def _shown(codes: list[str], *, is_plain: bool) -> Document:
    """Return an example for a response that has one of the shown codes alone, and no codes of fields of its own.

    As examples of the schema they would be shown for every error of every status.
    """
    return {"examples": {codes[0]: {"value": _example(codes[0])}}} if is_plain and codes in _SHOWN_ALONE else {}


def _rate_limit_headers_beside(codes: list[str]) -> Document:
    """Return the limiter's headers, but not for what servers refuse before the limiter counts it."""
    headers: Document = rate_limit_headers()
    if BODY_TIMEOUT_CODE not in codes:
        return headers
    if len(codes) == 1:
        return {}
    # OpenAPI 3.1.1, 4.8.23: a description beside a reference replaces that of the component.
    beside = {"description": f"Not with {PROBLEMS[BODY_TIMEOUT_CODE].status}."}
    return {name: {**reference, **beside} for name, reference in headers.items()}


def _named(code: str) -> str:
    """Return a code and the title of its errors, if that says more than the code."""
    title = str(PROBLEMS[code].title)
    return f"`{code}`" if title == code.replace("_", " ").capitalize() else f"`{code}`: {title}"


def _headers_in_range(status: int, names: Iterable[str]) -> Document:
    """Return headers that one status of a range has, so that the response need not have them."""
    return {
        name: {**HEADERS[name], "description": f"With {status}: {HEADERS[name]['description']}", "required": False}
        for name in names
    }


def problem_schemas() -> Document:
    """Return the schemas of an error and of the errors of its fields (RFC 9457)."""
    text = {"type": "string"}
    return {
        "Problem": {
            "type": "object",
            "description": "An error (RFC 9457). `code` never changes; `title` and `detail` follow Accept-Language.",
            "required": ["type", "title", "status", "detail", "instance", "code", "correlation_id", "timestamp"],
            "properties": {
                "type": {"type": "string", "format": "uri"},
                "title": text,
                "status": {"type": "integer"},
                "detail": text,
                "instance": {"type": "string", "format": "uri-reference"},
                "code": {"type": "string", "enum": sorted(PROBLEMS), "description": _details()},
                "correlation_id": text,
                "timestamp": {"type": "string", "format": "date-time"},
                "errors": {"type": "array", "items": {"$ref": "#/components/schemas/FieldError"}},
            },
        },
        "FieldError": {
            "type": "object",
            "description": "What is wrong with one field. `code` never changes; `detail` follows Accept-Language.",
            "required": ["field", "code", "detail"],
            "properties": {"field": text, "code": {"type": "string", "enum": sorted(FIELD_CODES)}, "detail": text},
        },
    }


def _details() -> str:
    """Return what each code means: the `detail` that an error has if nothing more can be said."""
    return "\n".join(f"* `{code}`: {PROBLEMS[code].detail}" for code in sorted(PROBLEMS))


def _example(code: str) -> Document:
    kind = PROBLEMS[code]
    example: Document = {
        "type": f"{EXAMPLE_BASE}{code}",
        "title": str(kind.title),
        "status": kind.status,
        "detail": str(kind.detail),
        "instance": EXAMPLE_PATH,
        "code": code,
        "correlation_id": EXAMPLE_ID,
        "timestamp": EXAMPLE_TIME,
    }
    if code == VALIDATION_ERROR:
        example["detail"] = "One field is not valid."
        example["errors"] = [{"field": "nickname", "code": "unknown_field", "detail": "This field is not known."}]
    return example


def _pascal(code: str) -> str:
    return "".join(word.capitalize() for word in code.split("_"))
