"""Log one line for each request, on a development machine. In production nothing is wrapped, so it costs nothing.

The line is written when the response is complete, or when a WebSocket is accepted or refused.
"""

import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from cedrina.operations.console_lines import log_request

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Message, Receive, Send], Awaitable[None]]
SWITCHING_PROTOCOLS = 101
NO_RESPONSE = 499  # nginx's number for a client that went away


class RequestLines:
    """An ASGI application that passes requests on to another one and logs them."""

    def __init__(self, application: Application) -> None:
        self._application = application

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._application(scope, receive, send)
            return
        started = time.perf_counter()
        statuses: list[int] = []

        async def observing_send(message: Message) -> None:
            if not statuses and (status := _status(message)) is not None:
                statuses.append(status)
                if scope["type"] == "websocket":
                    _log(scope, status, started)
            await send(message)

        try:
            await self._application(scope, receive, observing_send)
        finally:
            if scope["type"] == "http":
                _log(scope, statuses[0] if statuses else NO_RESPONSE, started)


def _status(message: Message) -> int | None:
    if message["type"] == "http.response.start":
        return int(message["status"])
    if message["type"] == "websocket.accept":
        return SWITCHING_PROTOCOLS
    return int(message.get("code", 1000)) if message["type"] == "websocket.close" else None


def _log(scope: Message, status: int, started: float) -> None:
    method = scope.get("method", "WS")
    log_request(method=method, path=scope["path"], status=status, milliseconds=1000 * (time.perf_counter() - started))
