"""Two real nodes of a cluster: the store finds the one that has its slot."""

import subprocess
import time

import pytest
import redis

from cedrina.tooling.embedded import binaries
from ratelimiting.stores.redis import RedisStore
from ratelimiting.types import Algorithm, Level, Quota
from tests.programs.ports import free_port

LONG = 30 * 86_400.0  # seconds: such a window hardly ever ends while a test runs by the server's clock
LEVELS = [Level("p", Quota(Algorithm.FIXED_WINDOW, 100, LONG), f"k{i}") for i in range(4)]
SLOTS = 16_384


BUS = 10_000  # the nodes speak to each other on a port that lies this far above the clients' one


class Node:
    def __init__(self, directory):
        directory.mkdir()
        self.directory = directory
        for _ in range(5):
            self.start()
            if self.answers():
                return
            self.stop()  # another test took one of its two ports in between
        pytest.fail("no node could be started")

    def start(self):
        self.port = free_port(partner=BUS)
        command = [binaries.find_redis(), "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--dir"]
        self.process = subprocess.Popen(
            [*command, str(self.directory), "--cluster-enabled", "yes"],
            stdout=subprocess.DEVNULL,
            start_new_session=True,
        )
        self.client = redis.Redis(port=self.port, socket_timeout=120)

    def answers(self):
        """Wait until the node answers; return False when its process ended instead."""
        deadline = time.monotonic() + 60
        while self.process.poll() is None and time.monotonic() < deadline:
            try:
                return self.client.ping()
            except redis.ConnectionError:  # also while it loads
                time.sleep(0.05)
        return False

    def knows(self, other):
        return str(other.port).encode() in self.client.execute_command("CLUSTER", "NODES", **RAW)

    def is_ready(self):
        return b"cluster_state:ok" in self.client.execute_command("CLUSTER", "INFO", **RAW)

    def stop(self):
        self.client.close()
        self.process.terminate()
        self.process.wait()


def introduce(first, second):
    """Make the two know each other. A handshake that got no answer in 15 s is forgotten, so it is begun again."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        if not (first.knows(second) and second.knows(first)):
            first.client.execute_command("CLUSTER", "MEET", "127.0.0.1", second.port)
        if first.is_ready() and second.is_ready():
            return
        time.sleep(0.1)
    pytest.fail("the nodes did not find each other")


@pytest.fixture
def nodes(tmp_path):
    """Two nodes, of which the second has the slot of {rl}."""
    started = []
    try:
        started.extend(Node(tmp_path / name) for name in ("first", "second"))
        first, second = started
        slot = first.client.execute_command("CLUSTER", "KEYSLOT", "{rl}:")
        second.client.execute_command("CLUSTER", "ADDSLOTS", slot)
        others = [number for number in range(SLOTS) if number != slot]
        first.client.execute_command("CLUSTER", "ADDSLOTS", *others)
        introduce(first, second)
        yield first, second
    finally:
        for node in started:
            node.stop()


# redis-py would make a dictionary of the answer.
RAW = {"NEVER_DECODE": True}


class TestACluster:
    def test_keeps_all_levels_of_all_requests_on_one_node(self, nodes):
        first, second = nodes
        store = RedisStore(f"redis://127.0.0.1:{first.port}/0", deadline=30)
        for _ in range(3):
            assert store.decide(LEVELS).is_allowed
        assert store.peek(LEVELS).results[0].remaining == 97
        assert sorted(second.client.keys("*")) == [f"{{rl}}:k{i}".encode() for i in range(4)]
        assert first.client.keys("*") == []
        assert store.reset(["k0", "k1"]) == 2

    def test_tells_where_its_first_command_should_have_gone(self, nodes):
        first, _ = nodes
        store = RedisStore(f"redis://127.0.0.1:{first.port}/0", deadline=30)
        assert store.reset(["k0"]) == 0
        assert store.decide(LEVELS).is_allowed
