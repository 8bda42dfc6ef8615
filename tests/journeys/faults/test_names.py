"""The name server fails under a running server, or says nothing: names of the database and of Redis."""

import os
import time
from urllib.parse import urlsplit, urlunsplit

import pytest

from tests import fault_figures
from tests.peers.name_server import name_server
from tests.problem_shape import assert_problem
from tests.programs import served
from tests.programs.busy import Lateness

pytestmark = pytest.mark.fault

ANSWER_SECONDS = 3
RECOVERY_SECONDS = 10
CUT = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
    "WHERE datname = current_database() AND pid <> pg_backend_pid()"
)


def named(url, host):
    parts = urlsplit(url)
    credentials, at, _ = parts.netloc.rpartition("@")
    return urlunsplit(parts._replace(netloc=f"{credentials}{at}{host}:{parts.port}"))


@pytest.fixture(scope="module")
def url():
    with served.database() as url:
        yield url


@pytest.fixture(scope="module")
def names_and_prefix(tmp_path_factory):
    with name_server(tmp_path_factory.mktemp("names")) as given:
        yield given


@pytest.fixture(scope="module")
def server(url, names_and_prefix):
    names, prefix = names_and_prefix
    redis = named(os.environ["REDIS_URL"], "redis.test")
    with served.serving(
        database_url=named(url, "database.test"), flags=("--http",), prefix=prefix, REDIS_URL=redis
    ) as running:
        assert names.questions > 0
        yield running


def timed(calls):
    """Make the calls; return their answers and how long the slowest took."""
    answers, slowest = [], 0.0
    for call in calls:
        began = time.monotonic()
        answers.append(call())
        slowest = max(slowest, time.monotonic() - began)
    return answers, slowest


class TestANameServer:
    @pytest.mark.parametrize("behaviour", ["fail", "silent"])
    def test_that_is_out_of_order_costs_nothing_until_connections_are_lost(
        self, url, server, names_and_prefix, newcomer, behaviour
    ):
        names, _prefix = names_and_prefix
        person = newcomer(server)
        assert person.register().status_code == 201
        for call in (person.me, person.refresh, person.sign_in):  # each kind of call has its connection
            assert call().status_code == 200
        try:
            names.behaviour = behaviour
            answers, _slowest = timed([person.me, person.refresh, person.sign_in] * 2)
            assert [answer.status_code for answer in answers] == [200] * 6

            served.execute(url, CUT)
            with Lateness() as lateness:
                answers, slowest = timed([person.me, person.refresh, person.sign_in] * 3)
            fault = f"name server: {behaviour}"
            fault_figures.keep(fault, "slowest answer", slowest, goal=ANSWER_SECONDS)
            for answer in answers:
                assert_problem(answer, status=503, code="service_unavailable")
            assert slowest < ANSWER_SECONDS + lateness.allowance
        finally:
            names.behaviour = "answer"
        with Lateness() as lateness:
            began = time.monotonic()
            while not person.is_signed_in:
                assert time.monotonic() - began < RECOVERY_SECONDS + lateness.allowance
                time.sleep(0.1)
            seconds = time.monotonic() - began
        fault_figures.keep(fault, "works after it answers again", seconds, goal=RECOVERY_SECONDS)
        assert person.refresh().status_code == 200
