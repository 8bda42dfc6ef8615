"""The network between the application and its database fails in each way that a network can, and comes back."""

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext

import httpx
import pytest

from tests import fault_figures
from tests.peers.network import Network
from tests.problem_shape import assert_problem
from tests.programs import served
from tests.programs.busy import Lateness, both_cores_loaded

pytestmark = pytest.mark.fault

ANSWER_SECONDS = 3
RECOVERY_SECONDS = 10
FAULTS = ["cut", "reset", "swallow", "delay"]
FAR_TOO_LATE = 30  # seconds
IDLE = pytest.param(nullcontext, id="idle")
BUSY = pytest.param(both_cores_loaded, marks=pytest.mark.serial, id="busy")


def fail(network, fault):
    if fault == "delay":
        network.delay(FAR_TOO_LATE)
    else:
        getattr(network, fault)()


@pytest.fixture(scope="module")
def network():
    with served.database() as url, Network(url) as network:
        yield network


@pytest.fixture(scope="module", params=[(), ("--http",)], ids=["one port", "http"])
def server(network, request):
    settings = {"WEB_CONCURRENCY": "2", "DATABASE_POOL_MAX": "4", "MAX_SESSIONS_PER_USER": "1000"}
    with served.serving(database_url=network.url, flags=request.param, **settings) as running:
        yield running


@pytest.fixture
def person(server, network, newcomer):
    network.heal()
    until_ready(server)
    person = newcomer(server)
    assert person.register().status_code == 201
    yield person
    network.heal()


def calls_of(person):
    """Return one call of each kind, each on a connection of its own: any worker may get it."""

    def send(method, path, body=None, *, is_signed_in=True):
        headers = {"Authorization": f"Bearer {person.tokens['access_token']}"} if is_signed_in else {}
        return httpx.request(method, person.base + path, json=body, headers=headers, timeout=60)

    def refresh():
        answer = send("POST", "/auth/refresh", {"refresh_token": person.tokens["refresh_token"]}, is_signed_in=False)
        if answer.status_code == 200:
            person.tokens = answer.json()
        return answer

    def sign_in():
        body = {"username": person.name, "password": person.password}
        return send("POST", "/auth/login", body, is_signed_in=False)

    return [
        lambda: send("GET", "/auth/me"),
        refresh,
        lambda: send("GET", "/auth/sessions"),
        lambda: send("POST", "/auth/introspect", {"token": person.tokens["access_token"]}),
        sign_in,
    ]


def timed(call):
    began = time.monotonic()
    answer = call()
    return answer, time.monotonic() - began


def until_ready(server):
    """Wait for /readyz, and return how long that took."""
    began = time.monotonic()
    while httpx.get(f"{server.url}/readyz", timeout=120).status_code != 200:
        assert time.monotonic() - began < RECOVERY_SECONDS + 30
        time.sleep(0.05)
    return time.monotonic() - began


def check_outage(person, lateness):
    """One of each kind at once, twice, then more than there are connections: each is answered in time.

    The first find the connections that were there, the second ask for new ones.
    """
    calls, answers = calls_of(person), []
    with ThreadPoolExecutor(15) as together:
        for at_once in (calls, calls, calls * 3):
            answers += together.map(timed, at_once)
    for answer, seconds in answers:
        assert_problem(answer, status=503, code="service_unavailable")
        assert answer.headers["Retry-After"]
        assert seconds < ANSWER_SECONDS + lateness.allowance
    return max(seconds for _answer, seconds in answers)


def check_that_ready_means_ready(server, person):
    """What comes after the first good answer of /readyz succeeds, whichever worker gets it."""
    seconds = until_ready(server)
    for call in calls_of(person) * 4:  # that all twenty miss one of two workers happens twice in a million runs
        answer = call()
        assert answer.status_code == 200, answer.text
    return seconds


@pytest.mark.attack("ASVS 5.0, 13.1.3")
class TestADatabaseThatIsOutOfReach:
    @pytest.mark.parametrize("load", [IDLE, BUSY])
    @pytest.mark.parametrize("fault", FAULTS)
    def test_is_answered_in_time_and_ready_means_ready_when_it_is_back(self, server, network, person, fault, load):
        for call in calls_of(person):
            assert call().status_code == 200
        with load(), Lateness() as lateness:
            fail(network, fault)
            slowest = check_outage(person, lateness)
            assert_problem(httpx.get(f"{server.url}/readyz", timeout=120), status=503, code="service_unavailable")
            network.heal()
            seconds = check_that_ready_means_ready(server, person)
            assert seconds < RECOVERY_SECONDS + lateness.allowance
        name = f"network of the database: {fault}"
        fault_figures.keep(name, "slowest answer", slowest, goal=ANSWER_SECONDS)
        fault_figures.keep(name, "ready after it is back", seconds, goal=RECOVERY_SECONDS)
        assert person.refresh().status_code == 200

    def test_that_vanishes_in_the_middle_of_a_sign_in_is_answered_in_time(self, server, network, person, newcomer):
        """Requests that are under way are no exception: some are in their first statement, some later."""
        other = newcomer(server)
        assert other.register().status_code == 201
        # Of one account no more than five tries are looked at together.
        sign_ins = [calls_of(somebody)[-1] for somebody in (person, other)] * 4
        network.delay(0.05)  # so that each takes long enough to be caught anywhere
        with Lateness() as lateness, ThreadPoolExecutor(8) as together:
            under_way = [together.submit(timed, sign_in) for sign_in in sign_ins]
            time.sleep(0.3)
            network.swallow()
            vanished = time.monotonic()
            for future in under_way:
                answer, _ = future.result()
                assert answer.status_code in {200, 503}
            assert time.monotonic() - vanished < ANSWER_SECONDS + lateness.allowance
        network.heal()
        until_ready(server)
        # A try is charged before its password is looked at; those that the outage swallowed were not given back.
        server.manage("unlock_account", person.name, "--reason", "an outage")
        check_that_ready_means_ready(server, person)

    def test_that_forgot_its_connections_costs_one_call_in_all(self, server, network, person):
        """A firewall that restarted: what is open is dead, new connections pass; only one caller may find out."""
        for call in calls_of(person) * 4:
            assert call().status_code == 200
        network.forget()
        me = calls_of(person)[0]
        with Lateness() as lateness:
            first, seconds = timed(me)
        assert_problem(first, status=503, code="service_unavailable")
        fault_figures.keep("half-open connections to PostgreSQL", "the one slow answer", seconds,
                           goal=ANSWER_SECONDS + 1)  # fmt: skip
        assert seconds < ANSWER_SECONDS + 1 + lateness.allowance
        check_that_ready_means_ready(server, person)

    def test_that_is_only_far_away_is_used(self, server, network, person):
        network.delay(0.05)
        for call in calls_of(person) * 4:
            answer = call()
            assert answer.status_code == 200, answer.text

    def test_that_only_drips_is_used(self, server, network, person):
        network.drip(2000)
        me = calls_of(person)[0]
        for _ in range(5):
            assert me().status_code == 200
