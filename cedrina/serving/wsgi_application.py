"""The edge in front of the WSGI application: it reads the body, and no more of it than may come."""

import time
from collections.abc import Iterable
from http import HTTPStatus
from io import BytesIO
from typing import Any

from cedrina.http import request_limits
from cedrina.serving.connection_pool import Application, NoSlotFree


class BodyTooLarge(Exception):
    pass


class BodyTooSlow(Exception):
    pass


def guarded(application: Application) -> Application:
    """Hand on only requests whose head and body have arrived whole and within their bounds."""

    def answer(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        code = request_limits.refused_head(environ)
        if code is not None:
            return _refuse(environ, start_response, code)
        length_text = environ.get("CONTENT_LENGTH")
        if length_text or "HTTP_TRANSFER_ENCODING" in environ:
            try:
                _take_body(environ, length_text, request_limits.largest_body(environ))
            except BodyTooLarge:
                return _refuse(environ, start_response, "payload_too_large")
            except BodyTooSlow:
                return _refuse(environ, start_response, "request_timeout")
            except (OSError, ValueError):
                return _refuse(environ, start_response, "malformed_request")
        try:
            return application(environ, start_response)
        except NoSlotFree:
            return _refuse(environ, start_response, "service_unavailable")

    return answer


def _take_body(environ: dict[str, Any], length_text: str | None, limit: int) -> None:
    """Read the body into memory and say its true length, which a chunked request leaves open."""
    declared = request_limits.declared_length(length_text)
    if declared is not None and declared > limit:
        raise BodyTooLarge
    stream = environ["wsgi.input"]
    deadline = time.monotonic() + request_limits.BODY_SECONDS
    end = limit + 1 if declared is None else declared
    body = b""
    while len(body) < end:
        chunk = stream.read(end - len(body))
        if not chunk:
            break
        body += chunk
        if time.monotonic() > deadline:
            raise BodyTooSlow
    if len(body) > limit:
        raise BodyTooLarge
    if declared is not None and len(body) < declared:
        raise ValueError
    environ["wsgi.input"] = BytesIO(body)
    environ["CONTENT_LENGTH"] = str(len(body))
    environ.pop("HTTP_TRANSFER_ENCODING", None)


def _refuse(environ: dict[str, Any], start_response: Any, code: str) -> Iterable[bytes]:
    status, headers, body = request_limits.refusal(code, environ)
    start_response(f"{status} {HTTPStatus(status).phrase}", [pair for pair in headers if pair[0] != "Connection"])
    return [body]
