"""Read a request within its limits, then dispatch it. All servers use this one reader of request bodies."""

import asyncio
import time
from collections.abc import AsyncIterator
from io import BytesIO
from typing import Any

import structlog

from cedrina.http import measures, request_limits
from cedrina.serving.connection_pool import NoConnectionAvailable
from cedrina.serving.request_dispatcher import RawResponse, RequestDispatcher

# A body that is too large is read and discarded, up to this size and time, before the refusal. A server that closes a
# connection with unread bytes resets it, and the response may be lost: a proxy that still writes would send 503.
MAX_DISCARDED_BYTES = 1024 * 1024  # what deploy/nginx.conf lets through
DISCARD_TIMEOUT_SECONDS = 1.0
# Requests with a body that a process reads and answers at a time; others wait for their turn. There may be many more
# connections, and each body holds up to 64 KiB of memory.
MAX_BODIES = 1024
log = structlog.get_logger(__name__)


class BodyTooLarge(Exception):
    """The declared or the received length is over the limit."""


class TooManyChunks(Exception):
    """The body arrived in more chunks than honest clients send. Each chunk costs a turn of the event loop."""


class ClientDisconnected(Exception):
    """The client closed the connection before its request was complete."""


_PROBLEM_CODES: dict[type[Exception], str] = {
    BodyTooLarge: "payload_too_large",
    TooManyChunks: "malformed_request",
    TimeoutError: request_limits.BODY_TIMEOUT_CODE,
    NoConnectionAvailable: "service_unavailable",
}


class RequestHandler:
    """Reads the body of a request and dispatches the request. It is the same for each server."""

    def __init__(self, dispatcher: RequestDispatcher) -> None:
        self._dispatcher = dispatcher
        self._bodies = asyncio.Semaphore(MAX_BODIES)

    async def handle(self, environ: dict[str, Any], body: AsyncIterator[bytes] | None) -> RawResponse:
        """Return the application's response, or a problem (RFC 9457) when a limit is exceeded or a fault occurs.

        ``environ`` describes the request as WSGI does (PEP 3333), ``body`` yields its body in chunks.

        Raises: ClientDisconnected.
        """
        response = await self._respond(environ, body)
        measures.count_response(
            method=environ.get("REQUEST_METHOD", ""),
            route=environ.get(measures.ROUTE, measures.UNMATCHED),
            status=response[0],
        )
        return response

    async def _respond(self, environ: dict[str, Any], body: AsyncIterator[bytes] | None) -> RawResponse:
        code = request_limits.problem_with_head(environ)
        if code is not None:
            return request_limits.refusal_response(code, environ)
        try:
            if body is None:
                return await self._dispatch(environ, b"")
            async with self._bodies:
                return await self._dispatch(environ, await self._content(environ, body))
        except tuple(_PROBLEM_CODES) as error:
            code = next(code for kind, code in _PROBLEM_CODES.items() if isinstance(error, kind))
            return request_limits.refusal_response(code, environ)
        except ClientDisconnected:
            raise
        except Exception:
            log.exception("request_failed", path=environ["PATH_INFO"])
            return request_limits.refusal_response("internal_error", environ)

    async def _dispatch(self, environ: dict[str, Any], content: bytes) -> RawResponse:
        environ["wsgi.input"] = BytesIO(content)
        environ["CONTENT_LENGTH"] = str(len(content))
        started = time.perf_counter()
        try:
            return await self._dispatcher.dispatch(environ)
        finally:
            measures.SECONDS.observe(time.perf_counter() - started, environ.get(measures.ROUTE, measures.UNMATCHED))

    async def _content(self, environ: dict[str, Any], body: AsyncIterator[bytes]) -> bytes:
        declared = request_limits.declared_length(environ.get("CONTENT_LENGTH"))
        limit = request_limits.max_body_bytes(environ)
        if declared is not None and declared > MAX_DISCARDED_BYTES:
            raise BodyTooLarge
        content = await _read(body, limit=limit, is_too_large=declared is not None and declared > limit)
        if declared is not None and len(content) < declared:
            raise ClientDisconnected
        return content


async def _read(body: AsyncIterator[bytes], *, limit: int, is_too_large: bool) -> bytes:
    """Return the whole body. Read and discard some of a body that is known to be too large.

    Raises: BodyTooLarge, TooManyChunks, TimeoutError.
    """
    content, size, chunks = b"", 0, 0
    timeout = DISCARD_TIMEOUT_SECONDS if is_too_large else request_limits.BODY_TIMEOUT_SECONDS
    try:
        async with asyncio.timeout(timeout) as deadline:
            async for chunk in body:
                size += len(chunk)
                chunks += 1
                if size > MAX_DISCARDED_BYTES or chunks > request_limits.MAX_BODY_CHUNKS:
                    break
                if size <= limit:
                    content += chunk
                elif not is_too_large:
                    is_too_large = True
                    deadline.reschedule(asyncio.get_running_loop().time() + DISCARD_TIMEOUT_SECONDS)
    except TimeoutError:
        if not is_too_large:
            raise
    if is_too_large or size > limit:
        raise BodyTooLarge
    if chunks > request_limits.MAX_BODY_CHUNKS:
        raise TooManyChunks
    return content
