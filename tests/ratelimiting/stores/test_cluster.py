"""Two real nodes of a cluster: the store finds the one that has its slot."""

import subprocess
import time

import pytest
import redis

from cedrina.tooling.embedded import binaries
from ratelimiting.stores.redis import RedisStore
from ratelimiting.types import Algorithm, Level, Quota
from tests.ports import free_port

LONG = 30 * 86_400.0  # seconds: such a window hardly ever ends while a test runs by the server's clock
LEVELS = [Level("p", Quota(Algorithm.FIXED_WINDOW, 100, LONG), f"k{i}") for i in range(4)]
SLOTS = 16_384


class Node:
    def __init__(self, directory):
        directory.mkdir()
        # The nodes speak to each other on another port, ten thousand above.
        self.port = free_port()
        command = [binaries.find_redis(), "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--dir"]
        self.process = subprocess.Popen(
            [*command, str(directory), "--cluster-enabled", "yes"], stdout=subprocess.DEVNULL, start_new_session=True
        )
        self.client = redis.Redis(port=self.port, socket_timeout=30)

    def wait_until(self, condition):
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                if condition(self.client):
                    return
            except redis.ConnectionError:
                pass
            time.sleep(0.05)
        pytest.fail("the nodes did not find each other")

    def stop(self):
        self.client.close()
        self.process.terminate()
        self.process.wait()


@pytest.fixture
def nodes(tmp_path):
    """Two nodes, of which the second has the slot of {rl}."""
    started = []
    try:
        started.extend(Node(tmp_path / name) for name in ("first", "second"))
        first, second = started
        for node in started:
            node.wait_until(lambda client: client.ping())
        slot = first.client.execute_command("CLUSTER", "KEYSLOT", "{rl}:")
        second.client.execute_command("CLUSTER", "ADDSLOTS", slot)
        others = [number for number in range(SLOTS) if number != slot]
        first.client.execute_command("CLUSTER", "ADDSLOTS", *others)
        first.client.execute_command("CLUSTER", "MEET", "127.0.0.1", second.port)
        for node in started:
            node.wait_until(lambda client: b"cluster_state:ok" in client.execute_command("CLUSTER", "INFO", **RAW))
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
