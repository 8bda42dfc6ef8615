"""A bare project that installs `security_events` alone, with Django's users and an app that declares event types."""

from tests.standalone.base_settings import *

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "cedrina_base",
    "security_events",
    "tests.standalone.billing",
]
