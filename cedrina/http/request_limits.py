"""What is refused before Django sees it: heads and bodies that are too large or too slow.

The same for every way of serving. Several parsers behind this point take time quadratic in what they read: Django's of
a path that is no UTF-8, the standard library's of Content-Type parameters (python/cpython#136063) and, before Python
3.11.10, of quoted cookies (CVE-2024-7592). Nothing has been counted against a limit when they run, so what reaches them
is short.
"""

from typing import Any

import orjson
from django.conf import settings
from django.utils import translation

from cedrina.http import problems, response_headers
from cedrina.http.correlation import ENVIRON_KEY, HEADER, correlation_id
from cedrina.http.languages import negotiated

BODY_SECONDS = 30.0
LONGEST_NUMBER = 15
# What nginx and gunicorn pass on at most too: 8 KiB in a line of a head, and 100 lines.
LONGEST_LINE, MOST_HEADERS = 8190, 100
LONGEST_PATH = 2048
LONGEST_CONTENT_TYPE = 255
# Forms in parts are dearer to parse than all else of their size, and those of the pages have a handful of fields.
LARGEST_MULTIPART = 16 * 1024
# Pieces of a body. A large one comes in about fifty; one of single bytes would cost fifty microseconds for each.
MOST_PIECES = 256


def refused_head(environ: dict[str, Any]) -> str | None:
    """Return the code of the problem with the head of a request; None where there is none.

    Quoted cookies are taken out of it. None of ours is quoted, and their parser is slow.
    """
    if len(environ["PATH_INFO"]) > LONGEST_PATH or len(environ.get("QUERY_STRING", "")) > LONGEST_LINE:
        return "malformed_request"
    lengths = [len(value) for name, value in environ.items() if name[:5] == "HTTP_"]
    if len(lengths) > MOST_HEADERS or max(lengths, default=0) > LONGEST_LINE:
        return "malformed_request"
    if len(environ.get("CONTENT_TYPE", "")) > LONGEST_CONTENT_TYPE:
        return "unsupported_media_type"
    cookies = environ.get("HTTP_COOKIE")
    if cookies is not None and '"' in cookies:
        environ["HTTP_COOKIE"] = ";".join(cookie for cookie in cookies.split(";") if '"' not in cookie)
    return None


def largest_body(environ: dict[str, Any]) -> int:
    """Return how many bytes a body of this kind may have."""
    is_multipart = environ.get("CONTENT_TYPE", "").lstrip().lower().startswith("multipart/")
    return LARGEST_MULTIPART if is_multipart else settings.MAX_BODY_BYTES


def refusal(code: str, environ: dict[str, Any]) -> tuple[int, list[tuple[str, str]], bytes]:
    """Return status, headers and body of a problem. The connection is closed: an unread body may follow on it."""
    identity = correlation_id(environ.get(ENVIRON_KEY))
    language = negotiated(environ.get("HTTP_ACCEPT_LANGUAGE", ""))
    with translation.override(language):
        problem = problems.build(code=code, instance=environ["PATH_INFO"][:LONGEST_PATH], correlation_id=identity)
    body = orjson.dumps(problem)
    headers = {
        "Content-Type": problems.CONTENT_TYPE,
        "Content-Length": str(len(body)),
        "Content-Language": language,
        "Cache-Control": "no-store",
        "Connection": "close",
        "Vary": "Accept-Language",
        HEADER: identity,
        **response_headers.of_api(),
    }
    if code == "service_unavailable":
        headers["Retry-After"] = str(problems.UNAVAILABLE_SECONDS)
    return problem["status"], list(headers.items()), body


def declared_length(text: str | None) -> int | None:
    """Return what Content-Length says; None when it is absent or no number.

    Digits of other scripts are numbers to Python and to nobody else.
    """
    if text and text.isascii() and text.isdigit():
        return int(text) if len(text) <= LONGEST_NUMBER else 10**LONGEST_NUMBER
    return None
