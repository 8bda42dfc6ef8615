"""Where WebSockets lead, and who is at their other end."""

from typing import Any

from channels.routing import URLRouter
from django.urls import path, re_path

from cedrina.correlation import correlation_id
from cedrina.sockets import HealthConsumer, NowhereConsumer
from ratelimiting.asgi import WebSocketRateLimitMiddleware
from ratelimiting.client_addresses.resolution import client_from_scope
from security_events.context import RequestContext, bind

LONGEST_USER_AGENT = 512


class Addressed:
    """Resolve the client's address as for HTTP; consumers find it in their scope, events in their context."""

    def __init__(self, application: Any) -> None:
        self._application = application

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        caller = client_from_scope(scope)
        headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
        context = RequestContext(
            correlation_id=correlation_id(headers.get(b"x-correlation-id")),
            ip_address=caller.address,
            user_agent=headers.get(b"user-agent", "")[:LONGEST_USER_AGENT],
        )
        with bind(context):
            await self._application({**scope, "caller": caller, "client_ip": caller.address}, receive, send)


websocket_application = Addressed(
    WebSocketRateLimitMiddleware(
        URLRouter(
            [
                path("ws/health/", HealthConsumer.as_asgi()),  # type: ignore[arg-type, list-item]
                re_path(r"", NowhereConsumer.as_asgi()),  # type: ignore[arg-type, list-item]
            ]
        )
    )
)
