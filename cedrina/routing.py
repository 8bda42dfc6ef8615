"""The WebSocket routes."""

from channels.routing import URLRouter
from django.urls import path, re_path

from cedrina.websockets.client_context import ClientContextMiddleware
from cedrina.websockets.consumers import HealthConsumer, UnknownPathConsumer
from cedrina.websockets.feeds.account import AccountConsumer
from cedrina.websockets.feeds.incidents import IncidentsConsumer
from cedrina.websockets.feeds.security_events import SecurityEventsConsumer
from ratelimiting.asgi import WebSocketRateLimitMiddleware

CONSUMERS = {
    "ws/health/": HealthConsumer,
    "ws/account/": AccountConsumer,
    "ws/security-events/": SecurityEventsConsumer,
    "ws/incidents/": IncidentsConsumer,
}
websocket_application = ClientContextMiddleware(
    WebSocketRateLimitMiddleware(
        URLRouter(
            [
                *(path(route, consumer.as_asgi()) for route, consumer in CONSUMERS.items()),  # type: ignore[arg-type, list-item]
                re_path(r"", UnknownPathConsumer.as_asgi()),  # type: ignore[arg-type, list-item]
            ]
        )
    )
)
