"""Limits on WebSocket handshakes, as a layer of an ASGI application."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from ratelimiting.client_ip import caller_of_scope
from ratelimiting.services import watching
from ratelimiting.services.judging import Facts, judge

ROUTE = "websocket"
TOO_FAST = 4429

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


class RateLimitSockets:
    """Lets a handshake through, or accepts and closes: a refusal before that would reach the client as a bare 403."""

    def __init__(self, application: Callable[[Any, Receive, Send], Awaitable[None]]) -> None:
        self._application = application

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            watching.start()
            # The store answers in a fraction of a millisecond, or is given up: less than a hop to a thread and back.
            if not judge(facts=facts_of(scope)).is_allowed:
                await receive()
                await send({"type": "websocket.accept"})
                await send({"type": "websocket.close", "code": TOO_FAST})
                return
        await self._application(scope, receive, send)


def facts_of(scope: Message) -> Facts:
    """Return what limits depend on. All sockets are one route: which of them it is, is not known here."""
    user_agent = next((value for name, value in scope["headers"] if name.lower() == b"user-agent"), b"")
    # As the project's own layer resolved it if there is one.
    address = scope["client_ip"] if "client_ip" in scope else caller_of_scope(scope).address
    return Facts(route=ROUTE, address=address, user_agent=user_agent.decode("latin-1"))
