"""The headers of responses as components of the document.

`RateLimit` and `RateLimit-Policy` are described in each response that the limiter counts. What else such a response has
is described by the responses of 429 alone, and named in the description of the document: four more references in each
of 149 responses would be 35 kB.
"""

from typing import Any

from django.conf import settings

from cedrina.http.correlation import HEADER as CORRELATION_ID
from cedrina.http.problems import CHALLENGE, RETRY_AFTER_SECONDS
from ratelimiting.api.headers import IETF_NAMES
from ratelimiting.api.headers import NAMES as RATE_LIMIT_HEADERS

RATE_LIMITS = "ratelimiting.middleware.RateLimitMiddleware"
_TEXT = {"type": "string"}
_COUNT = {"type": "integer", "minimum": 0}
HEADERS: dict[str, dict[str, Any]] = {
    CORRELATION_ID: {
        "description": "Names the request in the server's log. A client's own is kept if it is 8 to 64 characters of "
        "`[A-Za-z0-9._-]`.",
        "required": True,
        "schema": {"type": "string", "pattern": "^[A-Za-z0-9._-]{8,64}$"},
        "example": "01976e2c-5a4b-7c3d-8e9f-0a1b2c3d4e5f",
    },
    "RateLimit-Policy": {
        "description": "The tightest limit of the call: so many requests (`q`) in so many seconds (`w`). "
        "draft-ietf-httpapi-ratelimit-headers.",
        "schema": _TEXT,
        "example": '"sign-in";q=10;w=60',
    },
    "RateLimit": {
        "description": "What is left of that limit (`r`), and the seconds until all of it is free again (`t`).",
        "schema": _TEXT,
        "example": '"sign-in";r=3;t=21',
    },
    "X-RateLimit-Limit": {"description": "How many requests that limit allows.", "schema": _COUNT, "example": 10},
    "X-RateLimit-Remaining": {"description": "How many requests are left.", "schema": _COUNT, "example": 3},
    "X-RateLimit-Reset": {
        "description": "When all of it is free again, in Unix seconds.",
        "schema": _COUNT,
        "example": 1767607221,
    },
    "Retry-After": {
        "description": "Repeat the call after so many seconds.",
        "required": True,
        "schema": {"type": "integer", "minimum": 1},
        "example": RETRY_AFTER_SECONDS,
    },
    "WWW-Authenticate": {
        "description": "How to authenticate, and what was wrong (RFC 6750, 3).",
        "required": True,
        "schema": _TEXT,
        "example": CHALLENGE,
    },
    "ETag": {
        "description": "The version of what was read or changed. Send it back in `If-Match`.",
        "schema": _TEXT,
        "example": '"7"',
    },
}
# The middleware of all responses and that of the limits add them.
ON_EVERY_RESPONSE = (CORRELATION_ID, *RATE_LIMIT_HEADERS)
_NAMED = [f"`{name}`" for name in ON_EVERY_RESPONSE if name not in IETF_NAMES]
# For the description of the document.
NAMED_ONCE = f"Responses also have {', '.join(_NAMED[:-1])} and {_NAMED[-1]}, which those of 429 describe."


def is_limited() -> bool:
    """Return whether the limiter decides about every request: policies for any route may be stored at any time."""
    return RATE_LIMITS in settings.MIDDLEWARE


def rate_limit_headers() -> dict[str, dict[str, str]]:
    """Return references to the headers that the limiter adds to every response to a request that it counts."""
    return header_references(*IETF_NAMES) if is_limited() else {}


def header_references(*names: str) -> dict[str, dict[str, str]]:
    """Return references to these headers, by name.

    Raises: KeyError for a header that is not described above.
    """
    return {name: _reference(name) for name in names if HEADERS[name]}


def refer_to_components(response: dict[str, Any]) -> None:
    """Let a response refer to those of its headers that are described here."""
    own = response.get("headers", {})
    own.update({name: _reference(name) for name in own if name in HEADERS})


def _reference(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/headers/{component_name(name)}"}


def component_name(header: str) -> str:
    """Return the name of the component of a header."""
    return header.removeprefix("X-").removeprefix("RateLimit-").replace("RateLimit", "Left")
