"""Tests: real stores, cheap password hashes, mail in memory."""

from datetime import timedelta

from cedrina.settings import connections
from cedrina.settings.base import *
from cedrina.settings.base import ACCESS as _ACCESS
from cedrina.settings.base import ACCOUNTS as _ACCOUNTS
from cedrina.settings.base import INSTALLED_APPS
from cedrina.settings.base import RATELIMITING as _RATELIMITING

INSTALLED_APPS += ["cedrina.tooling"]

# All tests send forms from one address. On a busy machine a hash may wait for a long time without being refused.
ACCOUNTS = {
    **_ACCOUNTS,
    "BCRYPT_ROUNDS": 4,
    "MAILED_PAGE_RATE": "10000/m",
    "HASHING_WAIT": timedelta(minutes=2),
    "HASHING_NICENESS": 0,
}
# A test that needs stored policies looks itself; a thread of its own would see another database than the test's.
# Counts are those of the process, or tests that run beside each other would count together.
RATELIMITING = {**_RATELIMITING, "WATCH_SECONDS": 0, "REDIS_URL": None}
# A test that changes the policy reads it again itself; no other one is to make a query for it.
ACCESS = {**_ACCESS, "WATCH_SECONDS": 0, "MAX_STALENESS": timedelta(days=1)}
# To clear a cache in Redis deletes all keys there, those of tests in other processes too.
CACHES = {"default": connections.cache(None)}
# The process of the tests sends no hints: a reader that waits for them would be late.
CHANNEL_LAYERS = connections.channel_layers(None)
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
