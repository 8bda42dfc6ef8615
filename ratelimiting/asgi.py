"""ASGI middleware that limits WebSockets: how fast they are opened, and how many are open at a time.

Handshakes are counted by the policies, in all processes together. Open sockets are counted in each process, because a
shared count would outlive a process that was killed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from typing import Any

from ratelimiting.client_addresses.networks import counted_networks, normalise
from ratelimiting.client_addresses.resolution import client_from_scope
from ratelimiting.conf import rate_limiting_settings
from ratelimiting.services import background_thread
from ratelimiting.services.active_policies import WIDER_FACTORS
from ratelimiting.services.request_limits import decide_request
from ratelimiting.types import WEBSOCKET_ROUTE, RequestAttributes

# The close code of a refused socket: 4000 and the HTTP status.
TOO_MANY_REQUESTS = 4429

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


class OpenWebSockets:
    """How many sockets each address has open and, of IPv6, each network around it. Closed ones leave no entry."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()

    def enter(self, networks: Sequence[str]) -> bool:
        """Count one more socket and return True, if the address and the networks around it have room for it."""
        limit = rate_limiting_settings.SOCKETS_PER_ADDRESS
        for network, factor in zip(networks, (1, *WIDER_FACTORS), strict=False):  # IPv4 has one network, IPv6 three
            if self.counts[network] >= limit * factor:
                return False
        self.counts.update(networks)
        return True

    def leave(self, networks: Sequence[str]) -> None:
        """Count one socket less."""
        for network in networks:
            self.counts[network] -= 1
            if not self.counts[network]:
                del self.counts[network]


class WebSocketRateLimitMiddleware:
    """Passes a handshake on, or accepts it and closes the socket with code 4429.

    A refusal before acceptance would reach the client as a bare 403, without the reason.
    """

    def __init__(self, application: Callable[[Any, Receive, Send], Awaitable[None]]) -> None:
        self._application = application
        self.open = OpenWebSockets()

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] != "websocket":
            await self._application(scope, receive, send)
            return
        background_thread.start()
        attributes = handshake_attributes(scope)
        networks = counted_networks(normalise(attributes.address or ""))
        # Called on the event loop's thread: the store answers within a fraction of a millisecond, which is less than
        # a hop to another thread and back takes. While Redis hangs, STORE_DEADLINE and the circuit breaker bound it.
        if not decide_request(attributes=attributes).is_allowed or not self.open.enter(networks):
            await receive()
            await send({"type": "websocket.accept"})
            await send({"type": "websocket.close", "code": TOO_MANY_REQUESTS})
            return
        try:
            await self._application(scope, receive, send)
        finally:
            self.open.leave(networks)


def handshake_attributes(scope: Message) -> RequestAttributes:
    """Return what limits depend on. All sockets are one route, because URLs are resolved further inside."""
    user_agent = next((value for name, value in scope["headers"] if name.lower() == b"user-agent"), b"")
    # The project's own middleware may have resolved the address already.
    address = scope["client_ip"] if "client_ip" in scope else client_from_scope(scope).address
    return RequestAttributes(route=WEBSOCKET_ROUTE, address=address, user_agent=user_agent.decode("latin-1"))
