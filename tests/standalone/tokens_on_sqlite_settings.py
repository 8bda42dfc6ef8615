"""A bare project that installs `tokens` with a database that it can't use."""

from tests.standalone.tokens_settings import *

DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
