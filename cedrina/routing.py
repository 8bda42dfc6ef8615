"""Where WebSockets lead."""

from channels.routing import URLRouter
from django.urls import path, re_path

from cedrina.sockets import HealthConsumer, NowhereConsumer
from ratelimiting.asgi import RateLimitSockets

websocket_application = RateLimitSockets(
    URLRouter(
        [
            path("ws/health/", HealthConsumer.as_asgi()),  # type: ignore[arg-type, list-item]
            re_path(r"", NowhereConsumer.as_asgi()),  # type: ignore[arg-type, list-item]
        ]
    )
)
