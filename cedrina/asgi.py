"""The ASGI application, for any ASGI server. In production granian serves its HTTP and daphne its WebSockets."""

import os

from cedrina.settings.settings_module import settings_module

os.environ.setdefault("DJANGO_SETTINGS_MODULE", settings_module())

from cedrina.serving.application import request_handler

# isort: split
import logging
from typing import Any

from django.conf import settings

from cedrina.operations import console_lines
from cedrina.routing import websocket_application
from cedrina.serving.asgi_application import AsgiApplication
from cedrina.serving.request_lines import RequestLines

application: Any = AsgiApplication(request_handler=request_handler(), websockets=websocket_application)
if settings.IS_DEVELOPMENT and logging.getLogger(console_lines.REQUEST).isEnabledFor(logging.INFO):
    application = RequestLines(application)
