"""Take a request in within its bounds, whichever server brings it, and have it answered."""

import asyncio
from collections.abc import AsyncIterator
from io import BytesIO
from typing import Any

import structlog
from django.conf import settings

from cedrina import edge
from cedrina.serving.lanes import Answer, Lanes
from cedrina.serving.slots import NoSlotFree

# What is on its way is read and forgotten before a body is refused. A server that closes a connection with unread bytes
# resets it, and the answer may be lost: a proxy that is still writing would make 503 of our 413.
MOST_DISCARDED = 1024 * 1024  # what deploy/nginx.conf lets through
DISCARD_SECONDS = 1.0
log = structlog.get_logger(__name__)


class BodyTooLarge(Exception):
    """More than the contract allows was declared or came."""


class Disconnected(Exception):
    """The client went away before its request was whole."""


class Reception:
    """Reads a small body in time, then asks the lanes."""

    def __init__(self, lanes: Lanes) -> None:
        self._lanes = lanes
        self._limit: int = settings.MAX_BODY_BYTES

    async def answer(self, environ: dict[str, Any], body: AsyncIterator[bytes] | None) -> Answer:
        """Return the application's answer or a refusal.

        Raises: Disconnected.
        """
        try:
            content = await self._content(environ, body) if body is not None else b""
            environ["wsgi.input"] = BytesIO(content)
            environ["CONTENT_LENGTH"] = str(len(content))
            return await self._lanes.answer(environ)
        except BodyTooLarge:
            return edge.refusal("payload_too_large", environ)
        except TimeoutError:
            return edge.refusal("request_timeout", environ)
        except NoSlotFree:
            return edge.refusal("service_unavailable", environ)
        except Disconnected:
            raise
        except Exception:
            log.exception("request_failed", path=environ["PATH_INFO"])
            return edge.refusal("internal_error", environ)

    async def _content(self, environ: dict[str, Any], body: AsyncIterator[bytes]) -> bytes:
        declared = edge.declared_length(environ.get("CONTENT_LENGTH"))
        if declared is not None and declared > MOST_DISCARDED:
            raise BodyTooLarge
        content, size = b"", 0
        is_too_large = declared is not None and declared > self._limit
        try:
            async with asyncio.timeout(DISCARD_SECONDS if is_too_large else edge.BODY_SECONDS) as patience:
                async for chunk in body:
                    size += len(chunk)
                    if size <= self._limit:
                        content += chunk
                    elif size > MOST_DISCARDED:
                        break
                    elif not is_too_large:
                        is_too_large = True
                        patience.reschedule(asyncio.get_running_loop().time() + DISCARD_SECONDS)
        except TimeoutError:
            if not is_too_large:
                raise
        if is_too_large or size > self._limit:
            raise BodyTooLarge
        if declared is not None and size < declared:
            raise Disconnected
        return content
