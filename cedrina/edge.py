"""What is refused before Django sees it: bodies that are too large or too slow. The same for every way of serving."""

from typing import Any

import orjson
from django.conf import settings
from django.utils import translation

from cedrina import problems
from cedrina.correlation import ENVIRON_KEY, HEADER, correlation_id
from cedrina.languages import negotiated

BODY_SECONDS = 30.0
LONGEST_NUMBER = 15


def refusal(code: str, environ: dict[str, Any]) -> tuple[int, list[tuple[str, str]], bytes]:
    """Return status, headers and body of a problem. The connection is closed: an unread body may follow on it."""
    identity = correlation_id(environ.get(ENVIRON_KEY))
    language = negotiated(environ.get("HTTP_ACCEPT_LANGUAGE", ""))
    with translation.override(language):
        problem = problems.build(code=code, instance=environ["PATH_INFO"], correlation_id=identity)
    body = orjson.dumps(problem)
    headers = {
        "Content-Type": problems.CONTENT_TYPE,
        "Content-Length": str(len(body)),
        "Content-Language": language,
        "Cache-Control": "no-store",
        "Connection": "close",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Referrer-Policy": "no-referrer",
        HEADER: identity,
    }
    if code == "service_unavailable":
        headers["Retry-After"] = str(problems.UNAVAILABLE_SECONDS)
    if settings.SECURE_HSTS_SECONDS:
        headers["Strict-Transport-Security"] = f"max-age={settings.SECURE_HSTS_SECONDS}"
    return problem["status"], list(headers.items()), body


def declared_length(text: str | None) -> int | None:
    """Return what Content-Length says; None when it is absent or no number.

    Digits of other scripts are numbers to Python and to nobody else.
    """
    if text and text.isascii() and text.isdigit():
        return int(text) if len(text) <= LONGEST_NUMBER else 10**LONGEST_NUMBER
    return None
