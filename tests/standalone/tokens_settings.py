"""A bare project that installs `tokens` and what stands below it."""

from tests.standalone.base_settings import *

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "rest_framework",
    "cedrina_base",
    "security_events",
    "tokens",
    "tests.standalone.people",
]
AUTH_USER_MODEL = "people.Person"
ROOT_URLCONF = "tests.standalone.tokens_urls"
# Its guide, which is run as it is written, has the default.
TOKENS = {"ACCESS_TOKEN_ALGORITHM": "ES256"}
