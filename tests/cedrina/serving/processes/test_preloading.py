"""What may survive a fork, and what must not. Served processes: tests/journeys/servers/test_preloaded_workers.py."""

import json
import socket
import subprocess
import sys
import threading

import pytest

from cedrina.serving.processes.preloading import NotForkable, open_descriptors, require_forkable
from tests.programs import forked_programs, served

CHILDREN = """
import gc, json, os, random, secrets, sys, uuid
os.environ["DJANGO_SETTINGS_MODULE"] = "cedrina.settings.dev"
from cedrina.serving import connection_pool
from cedrina.serving.processes import preloading
preloading.preload()
from accounts.services.passwords import hashing
from cedrina_base.uuids import uuid7
from django.db import connections
from cedrina.serving import application
from cedrina_base import database_watch
from tokens.access_tokens.keyring import keyring
parent = {
    "keys": len(keyring._keys),
    "pool": repr(connection_pool._pool),
    "thread": repr(database_watch._state.thread),
    "hashing": hashing._pool.cache_info().currsize,
    "connections": [each.connection is None for each in connections.all(initialized_only=True)],
    "frozen": gc.get_freeze_count(),
    "middleware": application.django_application._middleware_chain is not None,
    "redis": "redis" in sys.modules,
    "unused": sorted({"authlib", "joserfc", "requests", "twisted"} & set(sys.modules)),
}
print(json.dumps(parent), flush=True)
uuid7(), uuid.uuid4(), random.random(), secrets.token_hex()  # generators that the parent has used
for _ in range(2):
    if os.fork() == 0:
        print(json.dumps([random.random(), secrets.token_hex(), uuid.uuid4().hex, uuid7().hex[-12:]]), flush=True)
        os._exit(0)
    os.wait()
"""


class TestRequireForkable:
    def test_refuses_a_thread(self):
        ended = threading.Event()
        thread = threading.Thread(target=ended.wait, name="watcher")
        thread.start()
        try:
            with pytest.raises(NotForkable, match="watcher"):
                require_forkable(known_descriptors=open_descriptors())
        finally:
            ended.set()
            thread.join()

    def test_refuses_a_connection(self):
        known = open_descriptors()
        with socket.socket(), pytest.raises(NotForkable):
            require_forkable(known_descriptors=known)

    @pytest.mark.process
    def test_accepts_a_file(self):
        # In a process of its own: the one of the tests has threads.
        script = (
            "from cedrina.serving.processes.preloading import *; known = open_descriptors(); file = open('/dev/null'); "
            "other = open(__import__('tempfile').mkstemp()[1]); require_forkable(known_descriptors=known)"
        )
        code, _, err = forked_programs.run(["-c", script], environment=served.environment())
        assert code == 0, err


@pytest.mark.process
class TestPreload:
    def test_leaves_to_each_process_its_keys_threads_connections_and_random_values(self):
        done = subprocess.run(
            [sys.executable, "-c", CHILDREN],
            cwd=served.ROOT,
            env=served.environment(),
            capture_output=True,
            text=True,
            check=True,
        )
        parent, *children = map(json.loads, done.stdout.splitlines())
        assert parent["pool"] == parent["thread"] == "None"
        assert parent["keys"] == parent["hashing"] == 0
        assert all(parent["connections"])
        assert parent["frozen"] > 100_000
        assert parent["middleware"]
        assert not parent["redis"]  # the process has no REDIS_URL
        assert parent["unused"] == []  # nor any provider
        assert not set(children[0]) & set(children[1])

    def test_loads_the_libraries_for_providers_where_there_are_some(self):
        provider = {"id": "google", "kind": "google", "client_id": "id", "secret": "a secret of a client"}
        script = (
            "import os, sys; os.environ['DJANGO_SETTINGS_MODULE'] = 'cedrina.settings.dev'; "
            "from cedrina.serving.processes.preloading import preload; preload(); "
            "assert {'authlib', 'joserfc', 'requests', 'accounts.providers.openid'} <= set(sys.modules)"
        )
        environment = served.environment(SOCIAL_PROVIDERS=json.dumps([provider]))
        subprocess.run([sys.executable, "-c", script], cwd=served.ROOT, env=environment, check=True)
