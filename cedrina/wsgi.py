"""HTTP by WSGI, for any server with threads: `gunicorn -k gthread --threads 64 cedrina.wsgi`. `rsgi.py` is faster."""

import os

from cedrina.settings.settings_module import settings_module

os.environ.setdefault("DJANGO_SETTINGS_MODULE", settings_module())

from django.conf import settings

from cedrina.serving.application import bounded_application
from cedrina.serving.wsgi_application import guarded

application = guarded(bounded_application(settings.SERVING["SLOTS"]))
