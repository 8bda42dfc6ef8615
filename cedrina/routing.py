"""The WebSocket routes."""

from channels.routing import URLRouter
from django.urls import path, re_path

from cedrina.websockets.client_context import ClientContextMiddleware
from cedrina.websockets.consumers import HealthConsumer, UnknownPathConsumer
from ratelimiting.asgi import RateLimitSockets

websocket_application = ClientContextMiddleware(
    RateLimitSockets(
        URLRouter(
            [
                path("ws/health/", HealthConsumer.as_asgi()),  # type: ignore[arg-type, list-item]
                re_path(r"", UnknownPathConsumer.as_asgi()),  # type: ignore[arg-type, list-item]
            ]
        )
    )
)
