"""No request that a server takes makes it compute for long before it is limited, nor grows faster than its size."""

import time
from contextlib import suppress
from functools import partial

import pytest
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rest_framework.exceptions import ParseError

from accounts.identifiers.names import parse_email
from cedrina.http.json import accepts_json, parse_object
from cedrina.http.languages import negotiate_language
from ratelimiting.client_addresses.resolution import client_ip
from tests.attacks.costs.hostile_requests import REQUESTS, environ
from tests.attacks.handled import handle
from tests.budgets import examples
from tests.ratelimiting.policy_documents import document
from tokens import devices

pytestmark = [pytest.mark.attack("CWE-1333, CWE-407"), pytest.mark.django_db, pytest.mark.slow]
# Seconds of CPU, for a request of at most 64 KiB.
BOUND = 0.05
# The most that a request may have, and the most that passes the edge in one header.
SIZES = (62_000, 8_000)
HEADERS = (
    "FORWARDED",
    "X_FORWARDED_FOR",
    "ACCEPT_LANGUAGE",
    "ACCEPT",
    "COOKIE",
    "AUTHORIZATION",
    "USER_AGENT",
    "HOST",
    "X_CORRELATION_ID",
    "ORIGIN",
)


@pytest.fixture(autouse=True)
def _kept_connection():
    """Keep the test's transaction, which the end of a request would close, as Django's own test client does."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.fixture(autouse=True)
def _behind_a_proxy(settings):
    settings.RATELIMITING = {**settings.RATELIMITING, "TRUSTED_PROXIES": ["127.0.0.0/8"]}


@pytest.fixture
def used_up(settings):
    """Refuse everything: what a request costs then, it costs before it is limited."""
    policies = [document(limit=1, window=3600, scope=["global"])]
    settings.RATELIMITING = {**settings.RATELIMITING, "POLICIES": policies}
    answered(environ())


def answered(request):
    return handle(request)[0]


def cost(make, *, best_of=3):
    """Return the CPU seconds of the quickest of several, and what it was answered."""
    costs = []
    for _ in range(best_of):
        request = make()
        began = time.process_time()
        status = answered(request)
        costs.append(time.process_time() - began)
    return min(costs), status


@pytest.mark.parametrize("name", REQUESTS)
class TestARequest:
    def test_costs_little_until_it_is_refused(self, name, used_up):
        for size in SIZES:
            seconds, status = cost(partial(REQUESTS[name], size))
            assert status in (400, 413, 415, 429)
            assert seconds <= BOUND

    def test_costs_little_altogether(self, name):
        for size in SIZES:
            seconds, status = cost(partial(REQUESTS[name], size))
            assert status < 500 or (status == 503 and name.startswith("Accept "))  # no key was made
            assert seconds <= BOUND


class TestAnyRequest:
    @pytest.mark.property
    @settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=examples(0.6))
    @given(
        name=st.sampled_from(HEADERS),
        start=st.text(st.characters(max_codepoint=255), max_size=8),
        piece=st.text('=;,:"\\ \t[]()/%*.-_aAq01', min_size=1, max_size=6),
        size=st.sampled_from([4000, 8000, 60_000]),
        path=st.sampled_from(["/livez", "/admin/login/", "/nowhere", "/api/v1/auth/me", "/account/forgot-password"]),
    )
    def test_with_a_repetitive_header_costs_little(self, name, start, piece, size, path, used_up):  # noqa: PLR0917
        value = start + piece * (size // len(piece))
        assert cost(lambda: environ(path=path, **{f"HTTP_{name}": value}), best_of=2)[0] <= BOUND

    @pytest.mark.property
    @settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=examples(0.6))
    @given(
        start=st.text('{}[]":,a1', max_size=8),
        piece=st.text('{}[]":,\\u01e9-. \n', min_size=1, max_size=6),
        path=st.sampled_from(["/api/v1/auth/login", "/api/v1/auth/forgot-password", "/api/v1/auth/refresh"]),
    )
    def test_with_a_repetitive_body_costs_little(self, start, piece, path, used_up):
        body = start + piece * (60_000 // len(piece))
        assert cost(lambda: environ("POST", path, body=body), best_of=2)[0] <= BOUND


# What reads text that a client chose, each with the shapes that make such code slow.
PARSERS = {
    "addresses": lambda text: client_ip({"x-forwarded-for": text, "forwarded": text}, "127.0.0.1"),
    "forwarded": lambda text: client_ip({"forwarded": text}, "127.0.0.1"),
    "languages": negotiate_language,
    "accept": accepts_json,
    "user agents": devices.device_name,
    "mail": parse_email,
}
SHAPES = (
    "a",
    ",",
    ";",
    '"',
    "\\",
    "a=b",
    " ",
    "a,",
    '"a',
    '\\"',
    "[",
    ":",
    "1.",
    "a-",
    "\u0323\u0307",
    "a@",
    "(",
    "; ",
)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("parser", PARSERS)
class TestAParser:
    def test_takes_time_in_proportion(self, parser, shape):
        """Doubling what it reads at most doubles its time; quadratic ones would take four times as long."""
        read = PARSERS[parser]

        def seconds(length):
            text, costs = (shape * length)[:length], []
            for attempt in range(5):
                began = time.process_time()
                read(f"{text}{attempt}")
                costs.append(time.process_time() - began)
            return min(costs)

        half, whole = seconds(30_000), seconds(60_000)
        assert whole <= max(0.002, 3 * half)


class TestJson:
    @pytest.mark.parametrize("piece", ["9", "[", '{"a":', '"', "1,", "\\u0041", "-", "e9"])
    def test_is_read_in_proportion(self, piece):
        def seconds(length):
            costs = []
            for _ in range(5):
                body = ('{"a":' + piece * (length // len(piece)) + "}").encode()
                began = time.process_time()
                with suppress(ParseError):  # how long it takes is asked, not what it says
                    parse_object(body)
                costs.append(time.process_time() - began)
            return min(costs)

        half, whole = seconds(30_000), seconds(60_000)
        assert whole <= max(0.002, 3 * half)
