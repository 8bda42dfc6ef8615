"""HTTP for production: `granian --interface rsgi cedrina.rsgi:application`."""

import os

from cedrina.settings.settings_module import settings_module

os.environ.setdefault("DJANGO_SETTINGS_MODULE", settings_module())

from cedrina.serving.application import reception
from cedrina.serving.rsgi_application import Edge

application = Edge(reception())
