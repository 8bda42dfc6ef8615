"""The process that owns the servers. It stops them when its standard input closes.

The starting process holds the other end of that pipe. The kernel closes it also after SIGKILL, so no server and no
temporary directory outlives a test run.
"""

import argparse
import fcntl
import json
import os
import select
import signal
import sys
import time
from pathlib import Path
from typing import IO, TYPE_CHECKING

from cedrina.tooling.embedded import accounts
from cedrina.tooling.embedded.errors import EmbeddedServerError
from cedrina.tooling.embedded.postgres_server import PostgresServer

if TYPE_CHECKING:
    from cedrina.tooling.embedded.redis_server import RedisServer

LOCK_SECONDS = 5
LOOK_SECONDS = 1.0


def main() -> int:
    """Start the servers of the arguments, print their URLs as one line of JSON, and stop them when stdin closes."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--postgres", action="store_true")
    parser.add_argument("--redis", action="store_true")
    parser.add_argument("--durable", action="store_true")
    parser.add_argument("--data", type=Path)
    options = parser.parse_args()
    for ignored in (signal.SIGINT, signal.SIGHUP, signal.SIGQUIT):
        signal.signal(ignored, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _leave)
    try:
        return _keep(options)
    except EmbeddedServerError as error:
        print(error, file=sys.stderr, flush=True)
        return 1


def _keep(options: argparse.Namespace) -> int:
    directory = _directory(options.data)
    servers: list[PostgresServer | RedisServer] = []
    try:
        lock = _lock(directory)
        addresses: dict[str, str] = {}
        if options.postgres:
            is_durable = options.durable or options.data is not None
            # The servers hold the lock too: it is free only when the last of them has ended.
            postgres = PostgresServer(directory, is_durable=is_durable, keep_open=(lock.fileno(),))
            servers.append(postgres)
            postgres.start()
            addresses["DATABASE_URL"] = postgres.url
        if options.redis:
            redis = _redis_server(directory)
            servers.append(redis)
            redis.start()
            addresses["REDIS_URL"] = redis.url
        print(json.dumps(addresses), flush=True)
        return _wait(servers)
    finally:
        for server in reversed(servers):
            server.stop()
        if not options.data:
            accounts.remove_tree(directory)


def _redis_server(directory: Path) -> "RedisServer":
    # Redis's client takes 6 MiB for as long as the servers run, and `make run` starts no Redis.
    from cedrina.tooling.embedded.redis_server import RedisServer  # noqa: PLC0415

    return RedisServer(directory)


def _wait(servers: "list[PostgresServer | RedisServer]") -> int:
    while True:
        readable, _, _ = select.select([sys.stdin], [], [], LOOK_SECONDS)
        if readable and not os.read(sys.stdin.fileno(), 1):
            return 0
        for server in servers:
            if not server.is_running:
                log = server.log.read_text(errors="replace")[-1000:]
                print(f"A server ended by itself. The end of {server.log}:\n{log}", file=sys.stderr, flush=True)
                return 1


def _directory(kept: Path | None) -> Path:
    run_as = accounts.postgres_user()
    if kept is None:
        return accounts.temporary_directory(run_as)
    directory = accounts.kept_directory(kept, run_as)
    if directory != kept.resolve():
        print(f"  PostgreSQL's user cannot reach {kept}, so the data is in {directory}.", file=sys.stderr, flush=True)
    return directory


def _lock(directory: Path) -> IO[str]:
    lock = (directory / "lock").open("a+")
    deadline = time.monotonic() + LOCK_SECONDS
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise EmbeddedServerError(
                    f"Another run uses {directory}. End it with Ctrl-C where it runs, then start this one again."
                ) from None
            time.sleep(0.2)  # the run before may just be ending
        else:
            return lock


def _leave(_signum: int, _frame: object) -> None:
    raise SystemExit(0)


if __name__ == "__main__":
    sys.exit(main())
