"""HTTP for production: `granian --interface rsgi cedrina.rsgi:application`."""

import os

from cedrina.serving.environments import settings_module

os.environ.setdefault("DJANGO_SETTINGS_MODULE", settings_module())

from cedrina.serving.application import reception
from cedrina.serving.rsgi_edge import Edge

application = Edge(reception())
