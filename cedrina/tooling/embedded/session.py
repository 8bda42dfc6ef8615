"""Servers that run until a `with` block, or the process that entered it, ends."""

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from cedrina.tooling.embedded.errors import EmbeddedServerError

ROOT = Path(__file__).resolve().parents[3]
END_SECONDS = 60


@contextlib.contextmanager
def servers(*, redis: bool, data: Path | None = None, durable: bool = False) -> Iterator["ServerSession"]:
    """Yield the URLs of PostgreSQL and, with ``redis``, of Redis: those of the environment, else of embedded servers.

    Raises: EmbeddedServerError when a server cannot be started.
    """
    needs_postgres = not os.environ.get("DATABASE_URL")
    needs_redis = redis and not os.environ.get("REDIS_URL")
    if not needs_postgres and not needs_redis:
        yield ServerSession(addresses={}, process=None)
        return
    command = [sys.executable, "-m", "cedrina.tooling.embedded.keeper"]
    command += ["--postgres"] * needs_postgres + ["--redis"] * needs_redis + ["--durable"] * durable
    command += ["--data", str(data)] if data else []
    # Its own session: Ctrl-C ends the command first, and the servers after it.
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
    ) as process:
        try:
            line = process.stdout.readline() if process.stdout else b""
            if not line:
                raise EmbeddedServerError("The servers were not started; the reason stands above.")
            yield ServerSession(addresses=json.loads(line), process=process)
        finally:
            if process.stdin:
                process.stdin.close()
            process.wait(END_SECONDS)


class ServerSession:
    """The servers of a run, for the process that started them."""

    def __init__(self, *, addresses: dict[str, str], process: subprocess.Popen[bytes] | None) -> None:
        self.addresses = addresses
        self.process = process
