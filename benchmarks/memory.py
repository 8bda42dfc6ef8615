"""How much memory the processes of a server hold: idle, and after sign-ins, refreshes and calls of `/auth/me`.

Shared pages count once (PSS, proc(5)). Each request has a connection of its own: the kernel spreads them over the
workers. Ends with 1 when a request fails.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from servers import ROOT, bench_environment, cedrina_environment, migrate, require_database, server

PORT = 8190
USERS = 8
PASSWORD = "four quiet green lamps"
SETTLE_SECONDS = 3.0
DAEMON_SECONDS = 25.0


def main() -> int:
    """Measure the kinds of processes one after the other, and print them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workers", default="2,8", help="numbers of HTTP workers, one run each")
    parser.add_argument("--requests", type=int, default=200, help="of each kind, for each worker")
    parser.add_argument("--kinds", default="http,one,sockets,jobs")
    options = parser.parse_args()
    require_database()
    kinds = options.kinds.split(",")
    environment = cedrina_environment(bench_environment(2, bcrypt_rounds=4)) | {"PORT": str(PORT)}
    migrate(environment)
    if "http" in kinds:
        for workers in map(int, options.workers.split(",")):
            own = environment | {"WEB_CONCURRENCY": str(workers)}
            with server("memory", ["--http"], own) as pid:
                measure_http(f"{workers} HTTP workers", pid, options.requests * workers)
    if "one" in kinds:
        with server("memory", [], environment) as pid:
            measure_http("HTTP and sockets in one process", pid, options.requests)
    if "sockets" in kinds:
        with daemon(["-m", "cedrina.serving", "--sockets"], environment) as pid:
            show("WebSockets alone, idle", pid)
    if "jobs" in kinds:
        with daemon(["manage.py", "run_worker"], environment) as pid:
            show("background worker, idle", pid)
    return 0


def measure_http(title: str, pid: int, requests: int) -> None:
    """Print what a server holds before and after the requests."""
    time.sleep(SETTLE_SECONDS)
    show(f"{title}, idle", pid)
    load(requests)
    time.sleep(SETTLE_SECONDS)
    show(f"{title}, after {requests} requests of each kind", pid)


@contextmanager
def daemon(command: list[str], environment: dict[str, str]) -> Iterator[int]:
    """Run a program that has no port to wait for, and give its process id once it has had time to start."""
    process = subprocess.Popen([sys.executable, *command], cwd=ROOT, env=environment, stdin=subprocess.DEVNULL)
    try:
        time.sleep(DAEMON_SECONDS)
        yield process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def load(requests: int) -> None:
    """Sign in, ask who one is, and refresh, as often as this, by USERS people at a time."""
    failures: list[BaseException] = []

    def play(number: int) -> None:
        try:
            Person(number).play(requests // USERS)
        except BaseException as error:  # noqa: BLE001 - reported by the main thread
            failures.append(error)

    threads = [threading.Thread(target=play, args=(number,)) for number in range(USERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        sys.exit(f"A request failed: {failures[0]!r}")


class Person:
    """One user. Each request has a connection of its own, so that the kernel spreads them over the workers."""

    def __init__(self, number: int) -> None:
        name = f"memory{number}x{os.getpid()}x{time.time_ns() % 10**9}"
        self._credentials = {"username": name, "password": PASSWORD}
        self._call("POST", "register", {**self._credentials, "email": f"{name}@example.org"}, expected=201)

    def play(self, times: int) -> None:
        """Make this number of requests of each kind.

        Raises: RuntimeError when one is not answered as it should be.
        """
        for _ in range(times):
            tokens = self._call("POST", "login", self._credentials)["tokens"]
            self._call("GET", "me", token=tokens["access_token"])
            self._call("POST", "refresh", {"refresh_token": tokens["refresh_token"]})

    def _call(
        self, method: str, name: str, body: dict[str, Any] | None = None, *, token: str = "", expected: int = 200
    ) -> Any:
        connection = HTTPConnection("127.0.0.1", PORT, timeout=60)
        headers = {"Content-Type": "application/json"} if body else {}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        connection.request(method, f"/api/v1/auth/{name}", json.dumps(body) if body else None, headers)
        response = connection.getresponse()
        content = response.read()
        connection.close()
        if response.status != expected:
            raise RuntimeError(f"{method} {name}: {response.status} {content[:300]!r}")
        return json.loads(content)


def show(title: str, pid: int) -> None:
    """Print the memory of a process and of those it has started."""
    rows = [(each, memory_of(each)) for each in family(pid)]
    print(f"\n{title}: {sum(row['Pss'] for _, row in rows):.1f} MiB")
    for each, row in rows:
        private = row["Private_Dirty"] + row["Private_Clean"]
        print(f"  {each:8} PSS {row['Pss']:6.1f}  private {private:6.1f}  {command_of(each)}")
    sys.stdout.flush()


def family(pid: int) -> list[int]:
    """Return a process and all that it has started."""
    children = [int(text) for path in Path(f"/proc/{pid}/task").glob("*/children") for text in path.read_text().split()]
    return [pid, *(each for child in children for each in family(child))]


def memory_of(pid: int) -> dict[str, float]:
    """Return the sums of smaps_rollup in MiB (proc(5))."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
    return {line.split(":")[0]: int(line.split()[1]) / 1024 for line in lines}


def command_of(pid: int) -> str:
    """Return the end of the command line of a process."""
    return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ").strip()[-50:]


if __name__ == "__main__":
    sys.exit(main())
