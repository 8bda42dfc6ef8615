"""The client of a WebSocket: its address for consumers, and the context of its security events."""

from typing import Any

from cedrina.http.correlation import correlation_id
from ratelimiting.client_addresses.resolution import client_from_scope
from security_events.context import RequestContext, bind

MAX_USER_AGENT_LENGTH = 512


class ClientContextMiddleware:
    """An ASGI middleware that resolves the client's address as for HTTP, and binds it to the events' context."""

    def __init__(self, application: Any) -> None:
        self._application = application

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        caller = client_from_scope(scope)
        headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
        context = RequestContext(
            correlation_id=correlation_id(headers.get(b"x-correlation-id")),
            ip_address=caller.address,
            user_agent=headers.get(b"user-agent", "")[:MAX_USER_AGENT_LENGTH],
        )
        with bind(context):
            await self._application({**scope, "caller": caller, "client_ip": caller.address}, receive, send)
