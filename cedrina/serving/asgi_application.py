"""The ASGI application: HTTP goes to the request handler, WebSockets go to Channels. It serves both on one port."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from typing import Any

from a2wsgi.wsgi import build_environ

from cedrina.http import request_limits
from cedrina.http.request_limits import MAX_HEADERS
from cedrina.serving.request_processing import ClientDisconnected, RequestHandler

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
WRITE_TIMEOUT_SECONDS = 30.0


class AsgiApplication:
    """An ASGI 3 application. HTTP requests are converted to WSGI's form, as Django's WSGI handler expects them.

    Django's ASGI handler costs 0.8 to 1.2 ms of CPU a request, its WSGI handler 0.13 ms: the former changes threads
    several times a request (granian, one worker, `wrk -c8`).
    """

    def __init__(self, *, request_handler: RequestHandler, websockets: Any) -> None:
        self._request_handler = request_handler
        self._websockets = websockets

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        kind = scope["type"]
        if kind == "http":
            await self._http(scope, receive, send)
        elif kind == "websocket":
            await self._websockets(scope, receive, send)
        else:
            await _lifespan(receive, send)

    async def _http(self, scope: Message, receive: Receive, send: Send) -> None:
        # WSGI writes underscores and hyphens alike: a forged X_Forwarded_For would pass for the proxy's header.
        headers = [(name, value) for name, value in scope["headers"] if b"_" not in name]
        # Joining headers of one name takes time quadratic in their number.
        scope["headers"] = headers[:MAX_HEADERS]
        environ: dict[str, Any] = dict(build_environ(scope, None))  # type: ignore[arg-type]
        has_body = "CONTENT_LENGTH" in environ or environ.pop("HTTP_TRANSFER_ENCODING", None)
        if len(headers) > MAX_HEADERS:
            response = request_limits.refusal_response("malformed_request", environ)
        else:
            try:
                response = await self._request_handler.handle(environ, _body_chunks(receive) if has_body else None)
            except ClientDisconnected:
                return
        status, response_headers, body = response
        encoded = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in response_headers]
        if not any(name == b"content-length" for name, _ in encoded):
            encoded.append((b"content-length", b"%d" % len(body)))
        await send({"type": "http.response.start", "status": status, "headers": encoded})
        # A client that reads too slowly is cut off: the server closes a connection whose application raises.
        async with asyncio.timeout(WRITE_TIMEOUT_SECONDS):
            await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})


async def _body_chunks(receive: Receive) -> AsyncIterator[bytes]:
    while True:
        message = await receive()
        if message["type"] != "http.request":
            raise ClientDisconnected
        yield message.get("body", b"")
        if not message.get("more_body"):
            return


async def _lifespan(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
