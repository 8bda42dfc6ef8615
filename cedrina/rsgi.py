"""The RSGI application, for granian: HTTP in production. `granian --interface rsgi cedrina.rsgi:application`."""

import os

from cedrina.settings.settings_module import settings_module

os.environ.setdefault("DJANGO_SETTINGS_MODULE", settings_module())

from cedrina.serving.application import request_handler
from cedrina.serving.rsgi_application import RsgiApplication

application = RsgiApplication(request_handler())
