"""HTTP and WebSockets on one port, for any ASGI server; behind a proxy that sends it only /ws/, the sockets."""

import os

from cedrina.settings.settings_module import settings_module

os.environ.setdefault("DJANGO_SETTINGS_MODULE", settings_module())

from cedrina.serving.application import reception

# isort: split
from cedrina.routing import websocket_application
from cedrina.serving.asgi_application import Edge

application = Edge(reception=reception(), sockets=websocket_application)
