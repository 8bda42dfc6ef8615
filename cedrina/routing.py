"""The WebSocket routes."""

from typing import Any

from channels.routing import URLRouter
from django.urls import path, re_path

from cedrina.websockets.client_context import ClientContextMiddleware
from cedrina.websockets.consumers import HealthConsumer, UnknownPathConsumer
from cedrina.websockets.feeds.access_decisions import AccessConsumer
from cedrina.websockets.feeds.account import AccountConsumer
from cedrina.websockets.feeds.incidents import IncidentsConsumer
from cedrina.websockets.feeds.security_events import SecurityEventsConsumer
from cedrina.websockets.measured_sockets import counted
from ratelimiting.asgi import WebSocketRateLimitMiddleware

CONSUMERS: dict[str, Any] = {
    "ws/health/": HealthConsumer,
    "ws/account/": AccountConsumer,
    "ws/authz/": AccessConsumer,
    "ws/security-events/": SecurityEventsConsumer,
    "ws/incidents/": IncidentsConsumer,
}
socket_routes: list[Any] = [
    *(path(route, counted(f"/{route}", consumer.as_asgi())) for route, consumer in CONSUMERS.items()),
    re_path(r"", UnknownPathConsumer.as_asgi()),  # type: ignore[arg-type]
]
_router: Any = URLRouter(socket_routes)
websocket_application = ClientContextMiddleware(WebSocketRateLimitMiddleware(_router))
