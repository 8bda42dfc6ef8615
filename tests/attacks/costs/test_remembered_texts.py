"""Nothing that a client sends is remembered at length: not by caches of ours, nor by those of the libraries."""

import gc
from functools import _lru_cache_wrapper

import pytest
from django.core.signals import request_finished, request_started
from django.db import close_old_connections

from ratelimiting.services import refusal_reports
from ratelimiting.services.request_limits import decide_request
from ratelimiting.types import RequestAttributes
from tests.attacks.costs.hostile_requests import LOGIN, ME, environ
from tests.attacks.handled import handle
from tests.ratelimiting.policy_documents import document
from tokens import devices

pytestmark = [pytest.mark.attack("CWE-400, CWE-770"), pytest.mark.django_db, pytest.mark.slow]
MARK = "zq7kept"  # in no other text: documentation is kept in caches, too
LONGEST = 7_900
HEADERS = (
    "ACCEPT_LANGUAGE",
    "ACCEPT",
    "USER_AGENT",
    "X_FORWARDED_FOR",
    "FORWARDED",
    "AUTHORIZATION",
    "COOKIE",
    "HOST",
    "X_CORRELATION_ID",
    "ORIGIN",
    "IF_MATCH",
    "REFERER",
    "X_HTTP_METHOD_OVERRIDE",
    "ACCEPT_ENCODING",
)
STARTS = ("", "es-", "Bearer ", "for=", "a=", "en;q=0.5,")


@pytest.fixture(autouse=True)
def _kept_connection():
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


def remembered():
    """Return the sizes of all texts with the mark that caches of functions hold, in the whole process."""
    sizes = []  # types are compared, since asking a lazy object what it is would have it made
    for cache in [found for found in gc.get_objects() if type(found) is _lru_cache_wrapper]:
        level, seen = [cache], set()
        for _depth in range(5):
            level = [held for holder in level for held in gc.get_referents(holder) if id(held) not in seen]
            seen.update(map(id, level))
            sizes += [len(held) for held in level if type(held) in (str, bytes) and MARK in str(held)]
            level = [held for held in level if type(held) in (dict, tuple, list, set, frozenset)]
    return sizes


def test_caches_hold_no_long_texts(settings):
    settings.RATELIMITING = {**settings.RATELIMITING, "TRUSTED_PROXIES": ["127.0.0.0/8"]}
    number = 0
    for path in ("/livez", ME, "/.well-known/jwks.json", "/admin/login/", "/account/forgot-password", "/nowhere"):
        for header in HEADERS:
            for start in STARTS:
                number += 1
                text = f"{start}{MARK}{number}"
                value = text + "x" * (LONGEST - len(text))
                handle(environ(path=path, QUERY_STRING=value, **{f"HTTP_{header}": value}))
                handle(environ(path=path, **{f"HTTP_{header}": (text + ",") * (LONGEST // (len(text) + 1))}))
    for number in range(50):
        handle(environ("POST", LOGIN, body="{}", kind=f"application/json;charset={MARK}{number}"))
        handle(environ(path=f"/{MARK}{number}" + "x" * 2000))
        devices.device_name(f"{MARK}{number}" + "x" * LONGEST)

    sizes = remembered()

    assert max(sizes, default=0) <= devices.MAX_USER_AGENT_LENGTH
    assert sum(sizes) <= 200_000


def test_what_is_told_of_a_refused_request_holds_no_request(settings):
    settings.RATELIMITING = {**settings.RATELIMITING, "POLICIES": [document(limit=1, scope=["global"])]}
    request = {"any": "x" * 100_000}
    facts = RequestAttributes(method="M" * 5000, user_agent="u" * 5000, find_key=request.get)
    for _ in range(3):
        decide_request(attributes=facts)

    kept = [entry.attributes for entry in refusal_reports._pending.refused.values()]

    assert [(len(one.method), len(one.user_agent), one.find_key("any")) for one in kept] == [(32, 512, None)]
