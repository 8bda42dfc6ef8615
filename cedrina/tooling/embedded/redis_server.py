"""An embedded Redis server for tests. It writes nothing to disk."""

import secrets
import signal
import subprocess
import time
from pathlib import Path

import redis

from cedrina.tooling.embedded import binaries, processes
from cedrina.tooling.embedded.errors import EmbeddedServerError

START_SECONDS = 30
STOP_SECONDS = 10
ATTEMPTS = 5


class RedisServer:
    """A server on loopback with a password, so that no other Redis is used by mistake."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.log = directory / "redis.log"
        self.port = 0
        self._binary = binaries.find_redis()
        self._password = secrets.token_urlsafe(24)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The REDIS_URL of the server's first database."""
        return f"redis://:{self._password}@127.0.0.1:{self.port}/0"

    @property
    def is_running(self) -> bool:
        """Whether the server process runs."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start the server and wait until it answers.

        Raises: EmbeddedServerError with the server's own log.
        """
        for _ in range(ATTEMPTS):
            self.port = self.port or processes.free_port()
            self._launch()
            if self._answers():
                return
            self.port = 0
        raise EmbeddedServerError(f"Redis did not start. Its log:\n{self.log.read_text(errors='replace')}")

    def stop(self) -> None:
        """Stop the server."""
        if self._process is not None:
            processes.stop(self._process, with_signal=signal.SIGTERM, patience=STOP_SECONDS)

    def _launch(self) -> None:
        # The configuration goes through stdin: every user of the machine can read command lines.
        configuration = (
            f"bind 127.0.0.1\nport {self.port}\nrequirepass {self._password}\n"
            f'save ""\nappendonly no\ndir "{self.directory}"\n'
        )
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                [self._binary, "-"],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=processes.ends_with_parent(signal.SIGTERM),
            )
        stdin = self._process.stdin
        if stdin is not None:
            stdin.write(configuration.encode())
            stdin.close()

    def _answers(self) -> bool:
        client = redis.Redis.from_url(self.url, socket_connect_timeout=5, socket_timeout=5)
        deadline = time.monotonic() + START_SECONDS
        with client:
            while self.is_running and time.monotonic() < deadline:
                try:
                    client.ping()
                except (redis.ConnectionError, redis.TimeoutError, redis.AuthenticationError):
                    time.sleep(0.02)
                else:
                    return True
        self.stop()
        return False
