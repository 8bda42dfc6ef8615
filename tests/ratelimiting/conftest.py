import os
import signal
import uuid

import pytest

from cedrina.tooling.embedded.redis_server import RedisServer
from ratelimiting import signals
from ratelimiting.stores.redis import RedisStore
from tests.programs import stopped_processes
from tests.ratelimiting.policy_documents import NAMED_KEYS


@pytest.fixture
def redis_url():
    """A Redis that other tests use at the same time."""
    url = os.environ.get("REDIS_URL")
    if not url:
        pytest.skip("needs a Redis: make test starts one")
    return url


@pytest.fixture
def prefix():
    return f"{{rl-{uuid.uuid4()}}}:"


@pytest.fixture
def shared(redis_url, prefix):
    """A store that waits: a busy machine is not what is tested."""
    store = RedisStore(redis_url, deadline=30, prefix=prefix)
    yield store
    store.close()


class OwnRedis(RedisServer):
    """A Redis that a test may halt, kill and start again."""

    def halt(self):
        stopped_processes.stop(self._process.pid)

    def go_on(self):
        self._process.send_signal(signal.SIGCONT)

    def kill(self):
        self._process.kill()
        self._process.wait()


@pytest.fixture
def own_redis(tmp_path):
    server = OwnRedis(tmp_path)
    server.start()
    yield server
    if server.is_running:
        server.go_on()
    server.stop()


@pytest.fixture
def policies(settings):
    """Put policies in force."""

    def give(*documents, **more):
        settings.RATELIMITING = {**settings.RATELIMITING, "POLICIES": list(documents), "KEYS": NAMED_KEYS, **more}

    return give


@pytest.fixture
def told():
    """Gather what is announced, without those who would record it."""
    heard, kept = {"refused": [], "shadow_reported": []}, {}

    def listener(name):
        return lambda **details: heard[name].append(details)

    for name in heard:
        signal = getattr(signals, name)
        kept[name], signal.receivers = signal.receivers, []
        signal.connect(listener(name), weak=False)
        signal.sender_receivers_cache.clear()
    yield heard
    for name, receivers in kept.items():
        signal = getattr(signals, name)
        signal.receivers = receivers
        signal.sender_receivers_cache.clear()
