"""A bare project that installs `ratelimiting` alone, with Django's own users and three plain views."""

from tests.standalone.base_settings import *

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "rest_framework",
    "cedrina_base",
    "ratelimiting",
]
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["rest_framework.authentication.BasicAuthentication"],
    "UNAUTHENTICATED_USER": None,
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
}
MIDDLEWARE = ["ratelimiting.middleware.RateLimitMiddleware"]
ROOT_URLCONF = "tests.standalone.ratelimiting_urls"
RATELIMITING = {
    "POLICIES": [
        {"name": "address", "limit": 3, "window": 60, "scope": ["ip"]},
        {"name": "codes", "limit": 2, "window": 60, "scope": ["account"], "match": {"routes": []}},
    ],
    "KEYS": {"account": None},
    "WATCH_SECONDS": 0,
}
