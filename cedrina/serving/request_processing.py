"""Take a request in within its bounds, whichever server brings it, and have it answered."""

import asyncio
from collections.abc import AsyncIterator
from io import BytesIO
from typing import Any

import structlog

from cedrina.http import request_limits
from cedrina.serving.connection_pool import NoSlotFree
from cedrina.serving.request_dispatcher import Answer, Lanes

# What is on its way is read and forgotten before a body is refused. A server that closes a connection with unread bytes
# resets it, and the answer may be lost: a proxy that is still writing would make 503 of our 413.
MOST_DISCARDED = 1024 * 1024  # what deploy/nginx.conf lets through
DISCARD_SECONDS = 1.0
log = structlog.get_logger(__name__)


class BodyTooLarge(Exception):
    """More than the contract allows was declared or came."""


class TooManyPieces(Exception):
    """The body came in more pieces than anybody honest sends. Each of them is a turn of the event loop."""


class Disconnected(Exception):
    """The client went away before its request was whole."""


_CODES: dict[type[Exception], str] = {
    BodyTooLarge: "payload_too_large",
    TooManyPieces: "malformed_request",
    TimeoutError: "request_timeout",
    NoSlotFree: "service_unavailable",
}


class Reception:
    """Reads a small body in time, then asks the lanes."""

    def __init__(self, lanes: Lanes) -> None:
        self._lanes = lanes

    async def answer(self, environ: dict[str, Any], body: AsyncIterator[bytes] | None) -> Answer:
        """Return the application's answer or a refusal.

        Raises: Disconnected.
        """
        code = request_limits.refused_head(environ)
        if code is not None:
            return request_limits.refusal(code, environ)
        try:
            content = await self._content(environ, body) if body is not None else b""
            environ["wsgi.input"] = BytesIO(content)
            environ["CONTENT_LENGTH"] = str(len(content))
            return await self._lanes.answer(environ)
        except tuple(_CODES) as error:
            return request_limits.refusal(
                next(code for kind, code in _CODES.items() if isinstance(error, kind)), environ
            )
        except Disconnected:
            raise
        except Exception:
            log.exception("request_failed", path=environ["PATH_INFO"])
            return request_limits.refusal("internal_error", environ)

    async def _content(self, environ: dict[str, Any], body: AsyncIterator[bytes]) -> bytes:
        declared, limit = (
            request_limits.declared_length(environ.get("CONTENT_LENGTH")),
            request_limits.largest_body(environ),
        )
        if declared is not None and declared > MOST_DISCARDED:
            raise BodyTooLarge
        content = await _read(body, limit=limit, is_too_large=declared is not None and declared > limit)
        if declared is not None and len(content) < declared:
            raise Disconnected
        return content


async def _read(body: AsyncIterator[bytes], *, limit: int, is_too_large: bool) -> bytes:
    """Return the whole body within its limit; of one that is known to be too large, some is read and forgotten.

    Raises: BodyTooLarge, TooManyPieces, TimeoutError.
    """
    content, size, pieces = b"", 0, 0
    try:
        async with asyncio.timeout(DISCARD_SECONDS if is_too_large else request_limits.BODY_SECONDS) as patience:
            async for chunk in body:
                size += len(chunk)
                pieces += 1
                if size > MOST_DISCARDED or pieces > request_limits.MOST_PIECES:
                    break
                if size <= limit:
                    content += chunk
                elif not is_too_large:
                    is_too_large = True
                    patience.reschedule(asyncio.get_running_loop().time() + DISCARD_SECONDS)
    except TimeoutError:
        if not is_too_large:
            raise
    if is_too_large or size > limit:
        raise BodyTooLarge
    if pieces > request_limits.MOST_PIECES:
        raise TooManyPieces
    return content
