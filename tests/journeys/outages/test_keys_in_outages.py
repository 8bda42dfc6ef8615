"""Signing keys while the database is out of reach: all workers publish them, and an unknown one is no refusal."""

import base64
import json
import time

import httpx
import pytest

from tests.peers.network import Network
from tests.problem_shape import assert_problem
from tests.programs import served
from tests.programs.busy import Lateness

ANSWER_SECONDS = 3
UNKNOWN_KEY_SECONDS = 6
FAULTS = ["cut", "reset", "swallow", "delay"]


def fail(network, fault):
    getattr(network, fault)(*([30] if fault == "delay" else []))


@pytest.fixture(scope="module")
def url():
    with served.database() as url:
        yield url


@pytest.fixture(scope="module")
def elsewhere(url):
    """A server of the same installation that reaches the database all the time."""
    with served.serving(database_url=url) as running:
        yield running


@pytest.fixture
def network(url):
    with Network(url) as network:
        yield network


KINDS = pytest.mark.parametrize("flags", [(), ("--http",)], ids=["one port", "http"])
# One worker: a second one may still be starting, and know no key, when the network fails.
ONE_WORKER = {"WEB_CONCURRENCY": "1"}


@pytest.fixture(scope="module", params=[(), ("--http",)], ids=["one port", "http"])
def server_and_network(url, request):
    """A server, and the network between it and its database."""
    with (
        Network(url) as network,
        served.serving(database_url=network.url, flags=request.param, **ONE_WORKER) as running,
    ):
        yield running, network


def kid_of(token):
    header = token.split(".")[0]
    return json.loads(base64.urlsafe_b64decode(header + "=" * (-len(header) % 4)))["kid"]


@pytest.mark.parametrize("fault", FAULTS)
class TestADatabaseThatIsOutOfReach:
    @KINDS
    def test_takes_no_published_key_from_workers_that_never_served_one(self, elsewhere, network, flags, fault):
        published = httpx.get(f"{elsewhere.url}/.well-known/jwks.json", timeout=120).json()
        with served.serving(database_url=network.url, flags=flags, **ONE_WORKER) as server:
            fail(network, fault)
            for _ in range(6):
                answer = httpx.get(f"{server.url}/.well-known/jwks.json", timeout=120)
                assert answer.status_code == 200
                assert answer.json() == published

    @pytest.mark.attack("RFC 6750, 3.1")
    def test_makes_a_token_by_an_unknown_key_wait_and_signs_nobody_out(
        self, elsewhere, server_and_network, newcomer, fault
    ):
        server, network = server_and_network
        network.heal()
        began = time.monotonic()
        fail(network, fault)
        rotated = json.loads(elsewhere.manage("rotate_signing_key", "--emergency", "--yes", "--json"))["kid"]
        person = newcomer(elsewhere)
        assert person.register().status_code == 201
        deadline = time.monotonic() + 90
        while kid_of(person.tokens["access_token"]) != rotated:  # until that server has seen the new key
            assert time.monotonic() < deadline
            time.sleep(0.5)
            assert person.refresh().status_code == 200
        # The server is that of the test before, and looks for a key that it does not know once in five seconds.
        time.sleep(max(0.0, began + UNKNOWN_KEY_SECONDS - time.monotonic()))
        person.move_to(server)
        with Lateness() as lateness:
            for _ in range(6):
                began = time.monotonic()
                assert_problem(person.me(), status=503, code="service_unavailable")
                assert time.monotonic() - began < ANSWER_SECONDS + lateness.allowance
            assert_problem(person.me(token="x"), status=401, code="invalid_token")
        network.heal()
        deadline = time.monotonic() + 120
        while not person.is_signed_in:
            assert time.monotonic() < deadline
            time.sleep(0.2)
