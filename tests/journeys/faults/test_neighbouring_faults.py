"""The same faults beside HTTP and PostgreSQL: Redis fails under the application, PostgreSQL under the sockets."""

import asyncio
import json
import os
import time

import pytest
import websockets

from tests import fault_figures
from tests.peers.network import Network
from tests.programs import served
from tests.programs.busy import Lateness

pytestmark = pytest.mark.fault

ANSWER_SECONDS = 3
FAULTS = ["cut", "reset", "swallow", "delay"]
HALF_OPEN = "forget"  # the present connections are dead without a word, new ones pass


def fail(network, fault):
    getattr(network, fault)(*([30] if fault == "delay" else []))


@pytest.fixture(scope="module")
def url():
    with served.database() as url:
        yield url


@pytest.fixture(scope="module")
def redis_network():
    with Network(os.environ["REDIS_URL"]) as network:
        yield network


@pytest.fixture(scope="module")
def server(url, redis_network):
    with served.serving(database_url=url, REDIS_URL=redis_network.url) as running:
        yield running


@pytest.fixture(scope="module")
def database_network(url):
    with Network(url) as network:
        yield network


@pytest.fixture(scope="module")
def address(database_network):
    settings = {"REDIS_URL": os.environ["REDIS_URL"]}
    with served.serving(database_url=database_network.url, flags=("--sockets",), **settings) as running:
        yield running.url.replace("http", "ws") + "/ws/health/"


class TestRedis:
    @pytest.mark.parametrize("fault", [*FAULTS, HALF_OPEN])
    def test_that_is_out_of_reach_delays_no_answer_and_refuses_none(self, server, redis_network, newcomer, fault):
        person = newcomer(server)
        assert person.register().status_code == 201
        with Lateness() as lateness:
            fail(redis_network, fault)
            slowest = 0.0
            for call in (person.me, person.refresh, person.sign_in, lambda: newcomer(server).register(), person.me) * 2:
                began = time.monotonic()
                assert call().status_code in {200, 201}
                slowest = max(slowest, time.monotonic() - began)
                assert slowest < ANSWER_SECONDS + lateness.allowance
            fault_figures.keep(f"Redis: {fault}", "slowest answer", slowest, goal=ANSWER_SECONDS)
            redis_network.heal()
            assert person.refresh().status_code == 200


class TestSockets:
    def status(self, address):
        """Open a socket and return what it says first, and after how long."""

        async def ask():
            async with websockets.connect(address) as connection:
                return json.loads(await asyncio.wait_for(connection.recv(), 60))["status"]

        began = time.monotonic()
        return asyncio.run(ask()), time.monotonic() - began

    def until(self, address, wanted, lateness):
        deadline = time.monotonic() + 60
        while True:
            found, seconds = self.status(address)
            assert seconds < ANSWER_SECONDS + lateness.allowance
            if found == wanted:
                return
            assert time.monotonic() < deadline
            time.sleep(0.2)

    @pytest.mark.parametrize("fault", FAULTS)
    def test_say_in_time_that_their_database_is_out_of_reach_and_that_it_is_back(
        self, database_network, address, fault
    ):
        with Lateness() as lateness:
            self.until(address, "ok", lateness)
            fail(database_network, fault)
            self.until(address, "unavailable", lateness)
            database_network.heal()
            self.until(address, "ok", lateness)
