"""A bare project that installs `security_events` alone, without any user model of Cedrina's."""

from tests.standalone.base_settings import *

INSTALLED_APPS = ["django.contrib.auth", "django.contrib.contenttypes", "cedrina_base", "security_events"]
