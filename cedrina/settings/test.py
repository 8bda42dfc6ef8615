"""Tests: real stores, cheap hashes, mail kept in memory."""

from cedrina.settings.base import *  # noqa: F403
from cedrina.settings.base import ACCOUNTS as _ACCOUNTS

ACCOUNTS = {**_ACCOUNTS, "BCRYPT_ROUNDS": 4}
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
