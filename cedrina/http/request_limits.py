"""Limits that a request must keep before Django handles it. They are the same for each server.

Several parsers take time quadratic in the length of their input: Django's for a path that is no UTF-8, the standard
library's for Content-Type parameters (python/cpython#136063) and, before Python 3.11.10, for quoted cookies
(CVE-2024-7592). They run before the rate limiter counts the request, so their input is kept short here.
"""

from typing import Any

import orjson
from django.conf import settings
from django.http import HttpRequest
from django.utils import translation

from cedrina.http import error_pages, problems, response_headers
from cedrina.http.correlation import ENVIRON_KEY, HEADER, correlation_id
from cedrina.http.languages import negotiate_language
from cedrina.http.paths import is_api, is_mailed_link_page

BODY_TIMEOUT_SECONDS = 30.0
BODY_TIMEOUT_CODE = "request_timeout"  # no request with this problem reaches Django, or a rate limit
MAX_LENGTH_DIGITS = 15
# nginx and gunicorn have the same limits: 8 KiB for a line of the head, and 100 lines.
MAX_LINE_LENGTH, MAX_HEADERS = 8190, 100
MAX_PATH_LENGTH = 2048
MAX_CONTENT_TYPE_LENGTH = 255
# Multipart forms take the longest to parse for their size, and those of the pages have few fields.
MAX_MULTIPART_BYTES = 16 * 1024
# A large body arrives in about fifty chunks. Each chunk costs fifty microseconds, also one of a single byte.
MAX_BODY_CHUNKS = 256


def problem_with_head(environ: dict[str, Any]) -> str | None:
    """Return the problem code for a request's head, None when the head is within the limits.

    Remove quoted cookies from ``environ``: Cedrina sets none, and their parser is slow.
    """
    if len(environ["PATH_INFO"]) > MAX_PATH_LENGTH or len(environ.get("QUERY_STRING", "")) > MAX_LINE_LENGTH:
        return "malformed_request"
    lengths = [len(value) for name, value in environ.items() if name[:5] == "HTTP_"]
    if len(lengths) > MAX_HEADERS or max(lengths, default=0) > MAX_LINE_LENGTH:
        return "malformed_request"
    if len(environ.get("CONTENT_TYPE", "")) > MAX_CONTENT_TYPE_LENGTH:
        return "unsupported_media_type"
    cookies = environ.get("HTTP_COOKIE")
    if cookies is not None and '"' in cookies:
        environ["HTTP_COOKIE"] = ";".join(cookie for cookie in cookies.split(";") if '"' not in cookie)
    return None


def max_body_bytes(environ: dict[str, Any]) -> int:
    """Return the maximum size of a body with this Content-Type, in bytes."""
    is_multipart = environ.get("CONTENT_TYPE", "").lstrip().lower().startswith("multipart/")
    return MAX_MULTIPART_BYTES if is_multipart else settings.MAX_BODY_BYTES


def refusal_response(code: str, environ: dict[str, Any]) -> tuple[int, list[tuple[str, str]], bytes]:
    """Return status, headers and body of a problem, or of a page for browsers.

    ``Connection: close`` is among the headers, because an unread body may follow on the connection.
    """
    environ.pop(response_headers.SERVER_HEADERS, None)  # of a response that is not sent
    identity = correlation_id(environ.get(ENVIRON_KEY))
    path = environ["PATH_INFO"][:MAX_PATH_LENGTH]
    language = negotiate_language(environ.get("HTTP_ACCEPT_LANGUAGE", ""))
    with translation.override(language):
        answer = _page(code, environ, path=path, identity=identity) or _problem(code, path=path, identity=identity)
    status, headers, body = answer
    headers |= {"Content-Length": str(len(body)), "Content-Language": language, "Cache-Control": "no-store"}
    headers |= {"Connection": "close", HEADER: identity}
    if code == "service_unavailable":
        headers["Retry-After"] = str(problems.RETRY_AFTER_SECONDS)
    if not is_api(path):
        headers["Vary"] = "Accept, Accept-Language"
    return status, list(headers.items()), body


def _problem(code: str, *, path: str, identity: str) -> tuple[int, dict[str, str], bytes]:
    problem = problems.build(code=code, instance=path, correlation_id=identity)
    headers = {"Content-Type": problems.CONTENT_TYPE, "Vary": "Accept-Language", **response_headers.api_headers()}
    return problem["status"], headers, orjson.dumps(problem)


def _page(code: str, environ: dict[str, Any], *, path: str, identity: str) -> tuple[int, dict[str, str], bytes] | None:
    """Return the page for a browser; ``None`` for programs."""
    if not error_pages.is_for_browser(path, environ.get("HTTP_ACCEPT", "")):
        return None
    request = HttpRequest()  # what was sent may have no valid head, so that nothing is read from it
    request.correlation_id = identity  # type: ignore[attr-defined]
    answer = error_pages.page(request, code)
    if answer is None:
        return None
    is_mailed = is_mailed_link_page(path)
    fixed = response_headers.mailed_link_headers() if is_mailed else response_headers.page_headers()
    return answer.status_code, {**dict(answer.headers.items()), **fixed}, answer.content


def declared_length(text: str | None) -> int | None:
    """Return the value of Content-Length, None when it is absent or not of ASCII digits.

    Python's ``int`` accepts digits of other scripts; HTTP does not (RFC 9110, 8.6).
    """
    if text and text.isascii() and text.isdigit():
        return int(text) if len(text) <= MAX_LENGTH_DIGITS else 10**MAX_LENGTH_DIGITS
    return None
