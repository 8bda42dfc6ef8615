"""The ASGI application: HTTP goes to the request handler, WebSockets go to Channels. It is the same for each server."""

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from typing import Any

from cedrina.http import request_limits
from cedrina.http.request_limits import MAX_HEADERS
from cedrina.http.response_headers import NO_HEADERS, SERVER_HEADERS, FixedHeaders
from cedrina.serving.request_processing import ClientDisconnected, RequestHandler

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
WRITE_TIMEOUT_SECONDS = 30.0
UNPREFIXED_HEADERS = {b"content-type": "CONTENT_TYPE", b"content-length": "CONTENT_LENGTH"}  # RFC 3875, 4.1


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
        environ = build_environ(scope)
        has_body = "CONTENT_LENGTH" in environ or environ.pop("HTTP_TRANSFER_ENCODING", None)
        if len(scope["headers"]) > MAX_HEADERS:
            response = request_limits.refusal_response("malformed_request", environ)
        else:
            try:
                response = await self._request_handler.handle(environ, _body_chunks(receive) if has_body else None)
            except ClientDisconnected:
                # Servers say the same of a body with wrong framing, whose client still waits.
                response = request_limits.refusal_response("malformed_request", environ)
        status, response_headers, body = response
        headers = _encoded(response_headers, environ.get(SERVER_HEADERS) or NO_HEADERS, length=len(body))
        await send({"type": "http.response.start", "status": status, "headers": headers})
        # A client that reads too slowly is cut off: the server closes a connection whose application raises.
        async with asyncio.timeout(WRITE_TIMEOUT_SECONDS):
            await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})


def build_environ(scope: Message) -> dict[str, Any]:
    """Return a request in WSGI's form (PEP 3333), with no more than MAX_HEADERS of its headers.

    Joining headers of one name takes time quadratic in their number.
    """
    root = scope.get("root_path", "")
    server, port = scope.get("server") or ("localhost", None)
    client = scope.get("client")
    environ: dict[str, Any] = {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": _latin_1(root),
        "PATH_INFO": _latin_1(scope["path"].removeprefix(root)),
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "SERVER_NAME": server,
        "SERVER_PORT": str(port or 0),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope.get("scheme", "http"),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
        SERVER_HEADERS: None,
    }
    if client is not None:
        environ["REMOTE_ADDR"] = client[0]
    for name, value in scope["headers"][:MAX_HEADERS]:
        # WSGI writes underscores and hyphens alike: a forged X_Forwarded_For would pass for the proxy's header.
        if b"_" in name:
            continue
        key = UNPREFIXED_HEADERS.get(name) or "HTTP_" + name.decode("latin-1").upper().replace("-", "_")
        text = value.decode("latin-1")
        environ[key] = f"{environ[key]},{text}" if key in environ else text
    return environ


def _encoded(headers: list[tuple[str, str]], fixed: FixedHeaders, *, length: int) -> list[tuple[bytes, bytes]]:
    """Return the headers of a response, those in place of which ``fixed`` has others left out."""
    found = list(fixed.encoded)
    for text, value in headers:
        name = text.lower().encode("latin-1")
        if name == b"content-length":
            length = -1
        if name not in fixed.names:
            found.append((name, value.encode("latin-1")))
    if length >= 0:
        found.append((b"content-length", b"%d" % length))
    return found


def _latin_1(text: str) -> str:
    return text if text.isascii() else text.encode().decode("latin-1")


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
