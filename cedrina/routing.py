"""The WebSocket routes."""

from channels.routing import URLRouter
from django.urls import path, re_path

from cedrina.websockets.client_context import ClientContextMiddleware
from cedrina.websockets.consumers import HealthConsumer, UnknownPathConsumer
from ratelimiting.asgi import WebSocketRateLimitMiddleware

websocket_application = ClientContextMiddleware(
    WebSocketRateLimitMiddleware(
        URLRouter(
            [
                path("ws/health/", HealthConsumer.as_asgi()),  # type: ignore[arg-type, list-item]
                re_path(r"", UnknownPathConsumer.as_asgi()),  # type: ignore[arg-type, list-item]
            ]
        )
    )
)
