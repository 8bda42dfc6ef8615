"""A bare project that installs `accounts.access` alone, with Django's own users."""

from tests.standalone.base_settings import *

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "rest_framework",
    "cedrina_base",
    "accounts.access",
]
AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "accounts.access.backends.PolicyBackend",
]
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["rest_framework.authentication.BasicAuthentication"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
}
ROOT_URLCONF = "tests.standalone.access_urls"
ACCESS = {"WATCH_SECONDS": 0}
