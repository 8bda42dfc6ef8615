"""HTTP and sockets from one ASGI server on one port."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from typing import Any

from a2wsgi.wsgi import build_environ

from cedrina.http import request_limits
from cedrina.http.request_limits import MOST_HEADERS
from cedrina.serving.request_processing import Disconnected, Reception

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
READER_SECONDS = 30.0


class Edge:
    """An ASGI application in front of a WSGI one and of Channels."""

    def __init__(self, *, reception: Reception, sockets: Any) -> None:
        self._reception = reception
        self._sockets = sockets

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        kind = scope["type"]
        if kind == "http":
            await self._http(scope, receive, send)
        elif kind == "websocket":
            await self._sockets(scope, receive, send)
        else:
            await _lifespan(receive, send)

    async def _http(self, scope: Message, receive: Receive, send: Send) -> None:
        # Underscores become the same WSGI name as dashes: a forged X_Forwarded_For would pass for the proxy's header.
        headers = [(name, value) for name, value in scope["headers"] if b"_" not in name]
        # Joining headers of one name takes time quadratic in their number.
        scope["headers"] = headers[:MOST_HEADERS]
        environ: dict[str, Any] = dict(build_environ(scope, None))  # type: ignore[arg-type]
        has_body = "CONTENT_LENGTH" in environ or environ.pop("HTTP_TRANSFER_ENCODING", None)
        if len(headers) > MOST_HEADERS:
            answer = request_limits.refusal("malformed_request", environ)
        else:
            try:
                answer = await self._reception.answer(environ, _chunks(receive) if has_body else None)
            except Disconnected:
                return
        status, answered, body = answer
        encoded = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in answered]
        if not any(name == b"content-length" for name, _ in encoded):
            encoded.append((b"content-length", b"%d" % len(body)))
        await send({"type": "http.response.start", "status": status, "headers": encoded})
        # Who reads too slowly is cut off: the server closes a connection whose application does not finish.
        async with asyncio.timeout(READER_SECONDS):
            await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})


async def _chunks(receive: Receive) -> AsyncIterator[bytes]:
    while True:
        message = await receive()
        if message["type"] != "http.request":
            raise Disconnected
        yield message.get("body", b"")
        if not message.get("more_body"):
            return


async def _lifespan(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
