"""A server whose address can't be used says so at once, and without a database it starts all the same."""

import os
import re
import select
import socket
import subprocess
import sys
import time

import pytest

from cedrina.serving.addresses import demand_free_address
from tests.programs import served
from tests.programs.ports import free_port

SECRET = "geheimes-kennwort"
START_SECONDS = 60


@pytest.fixture
def taken():
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening.getsockname()[1]


class TestDemandFreeAddress:
    def test_leaves_a_free_address_free(self):
        port = free_port()
        demand_free_address("127.0.0.1", port)
        demand_free_address("127.0.0.1", port)

    def test_refuses_one_that_is_taken(self, taken):
        with pytest.raises(OSError, match="Address already in use"):
            demand_free_address("127.0.0.1", taken)


@pytest.mark.process
class TestStart:
    @pytest.mark.parametrize("flags", [[], ["--http"], ["--sockets"]])
    def test_names_an_address_that_is_taken(self, taken, flags):
        environment = served.environment(DATABASE_URL=f"postgres://u:{SECRET}@127.0.0.1:1/x", PORT=str(taken))
        done = subprocess.run(
            [sys.executable, "-m", "cedrina.serving", *flags],
            cwd=served.ROOT,
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        sentence = f"Cannot listen on 127.0.0.1, port {taken}: Address already in use. Set another HOST or PORT, or end"
        assert done.returncode == 1
        assert done.stderr.startswith(sentence)
        assert len(done.stderr.splitlines()) == 1

    def test_warns_of_a_dead_database_and_redis_and_goes_on(self):
        port = free_port()
        environment = served.environment(
            DATABASE_URL=f"postgres://u:{SECRET}@127.0.0.1:1/x",
            REDIS_URL=f"redis://:{SECRET}@127.0.0.1:1/0",
            PORT=str(port),
        )
        process = subprocess.Popen(
            [sys.executable, "-m", "cedrina.serving"], cwd=served.ROOT, env=environment, stderr=subprocess.PIPE
        )
        try:
            seen = self.read(process, until=[b"database_unavailable", b"redis_unavailable"])
        finally:
            process.terminate()
            seen += process.communicate(timeout=120)[1]
        text = re.sub(r"\x1b\[[0-9;]*m", "", seen.decode())
        assert "The database at 127.0.0.1, port 1, does not answer; start it, or correct DATABASE_URL." in text
        assert "Start Redis, or correct REDIS_URL; until then each process counts rate limits by itself." in text
        assert SECRET not in text
        assert "Traceback" not in text

    def read(self, process, *, until):
        """Read what the server writes until all these words were there."""
        seen, deadline = b"", time.monotonic() + START_SECONDS
        while not all(words in seen for words in until):
            assert time.monotonic() < deadline, seen
            if select.select([process.stderr], [], [], 1)[0]:
                chunk = os.read(process.stderr.fileno(), 65536)
                assert chunk, seen
                seen += chunk
        return seen
