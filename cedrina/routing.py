"""The WebSocket routes."""

from typing import Any

from channels.routing import URLRouter
from django.urls import path, re_path

from cedrina.websockets.client_context import ClientContextMiddleware
from cedrina.websockets.consumers import HealthConsumer, UnknownPathConsumer
from cedrina.websockets.feeds.account import AccountConsumer
from cedrina.websockets.feeds.incidents import IncidentsConsumer
from cedrina.websockets.feeds.security_events import SecurityEventsConsumer
from ratelimiting.asgi import WebSocketRateLimitMiddleware

socket_routes: list[Any] = [
    path("ws/health/", HealthConsumer.as_asgi()),  # type: ignore[arg-type]
    path("ws/account/", AccountConsumer.as_asgi()),  # type: ignore[arg-type]
    path("ws/security-events/", SecurityEventsConsumer.as_asgi()),  # type: ignore[arg-type]
    path("ws/incidents/", IncidentsConsumer.as_asgi()),  # type: ignore[arg-type]
    re_path(r"", UnknownPathConsumer.as_asgi()),  # type: ignore[arg-type]
]
_router: Any = URLRouter(socket_routes)
websocket_application = ClientContextMiddleware(WebSocketRateLimitMiddleware(_router))
