"""A bare project that installs `security_events` alone, with Django's users and an app that declares event types."""

from tests.standalone.base_settings import *

REST_FRAMEWORK = {}
SECURITY_EVENTS = {
    "AUDIT_ORIGIN": "billing.example.org",
    "FIELD_ENCRYPTION_KEYS": [("first", bytes(32))],
    "RETENTION_DAYS_BY_CATEGORY": {"billing": 30},
}

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "cedrina_base",
    "security_events",
    "tests.standalone.billing",
]
