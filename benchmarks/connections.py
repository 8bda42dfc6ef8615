"""How many connections does one worker hold, and what do they cost? Idle ones, beside requests, and many new ones.

Clients open idle connections from several addresses of loopback, since one address has only some 28,000 ports. Requests
of others are measured in turns without and with the idle connections; then new connections arrive at a fixed rate, each
with one request. Ends with 1 when an idle connection was not kept, or a request failed.
"""

import argparse
import asyncio
import multiprocessing
import os
import resource
import socket
import statistics
import sys
import time
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import Any, Self

from closed_loop.processes import rss_mib
from servers import (
    RESULTS,
    bench_environment,
    cedrina_environment,
    harness,
    mapping,
    migrate,
    require_database,
    server,
)

PORT = 8130
PORTS_OF_AN_ADDRESS = 20_000
OWN_DESCRIPTORS = 200
REQUEST = b"GET /livez HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
ANSWERED = b"HTTP/1.1 200"
TIMEOUT_SECONDS = 10.0
OPERATIONS = ("me", "refresh")


def main() -> int:
    """Run it and print it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--idle", type=int, default=20_000, help="connections; fewer where a limit of this system is")
    parser.add_argument("--silent", action="store_true", help="connections that never sent a byte, not kept-alive ones")
    parser.add_argument("--rate", type=int, default=1_000, help="new connections a second")
    parser.add_argument("--seconds", type=float, default=5.0, help="of requests, in each turn; of new connections")
    parser.add_argument("--rounds", type=int, default=2)
    options = parser.parse_args()
    require_database()
    descriptors = raise_descriptor_limit()
    idle = min(options.idle, descriptors - 600)
    if idle < options.idle:
        print(f"A process of this system may have {descriptors} descriptors: {idle} idle connections.")
    environment = cedrina_environment(bench_environment(1, bcrypt_rounds=4)) | {"PORT": str(PORT)}
    migrate(environment)
    with server("connections", ["--http"], environment) as pid:
        return compare(pid, idle, options, environment)


def raise_descriptor_limit() -> int:
    """Raise the number of descriptors of this process to what is allowed, and return it."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


def compare(pid: int, idle: int, options: argparse.Namespace, environment: dict[str, str]) -> int:
    """Measure requests without and with idle connections, in turns, then new connections beside them."""
    target = mapping("connections", PORT)
    figures: dict[str, list[dict[str, Any]]] = {"without": [], "with": []}
    failures, kilobytes = 0, []
    requests(target, options, environment)  # the first ones fill caches
    for turn in range(options.rounds):
        figures["without"].append(requests(target, options, environment))
        before = rss_mib([pid])
        with IdleConnections(idle, is_silent=options.silent) as connections:
            kilobytes.append((rss_mib([pid]) - before) * 1024 / idle)
            figures["with"].append(requests(target, options, environment))
            if turn == options.rounds - 1:
                failures += arrivals(options.rate, options.seconds)
            lost = connections.lost()
        failures += lost
        print(f"turn {turn + 1}: {idle} idle connections, {lost} of them not kept; {kilobytes[-1]:.1f} KiB each")
    print(f"\n{'':10}{'idle':>8}{'req/s':>9}{'p50 ms':>9}{'p99 ms':>9}{'CPU s/1000':>12}{'errors':>8}")
    for operation in OPERATIONS:
        for name, turns in figures.items():
            rows = [turn[operation]["8"] for turn in turns]
            failures += sum(row["errors"] for row in rows)
            columns = ("rps", "p50_ms", "p99_ms", "server_cpu_s_per_1000")
            rps, p50, p99, cpu = (statistics.median(row[column] for row in rows) for column in columns)
            errors = sum(row["errors"] for row in rows)
            print(f"{operation:10}{name:>8}{rps:9.0f}{p50:9.2f}{p99:9.2f}{cpu:12.3f}{errors:8}")
    print(f"\nmemory of an idle connection: {statistics.median(kilobytes):.1f} KiB")
    return int(failures > 0)


def requests(target: str, options: argparse.Namespace, environment: dict[str, str]) -> dict[str, Any]:
    """Return what the load generator measures with eight users."""
    load = ["--ops", ",".join(OPERATIONS), "--conc", "8", "--rounds", "1", "--seconds", str(options.seconds)]
    result = harness(*load, target, environment=environment, out=RESULTS / "connections.json")
    rows: dict[str, Any] = result["targets"]["connections"]
    return rows


class IdleConnections:
    """Connections that other processes keep open until the block ends."""

    def __init__(self, number: int, *, is_silent: bool) -> None:
        self._clients: list[tuple[multiprocessing.Process, Connection]] = []
        share = min(PORTS_OF_AN_ADDRESS, raise_descriptor_limit() - OWN_DESCRIPTORS) // 2
        for position, first in enumerate(range(0, number, share)):
            ours, theirs = multiprocessing.Pipe()
            arguments = (min(share, number - first), f"127.0.1.{position + 1}", is_silent, theirs)
            client = multiprocessing.Process(target=hold, args=arguments, daemon=True)
            client.start()
            self._clients.append((client, ours))

    def __enter__(self) -> Self:
        begun = time.monotonic()
        opened = sum(pipe.recv() for _, pipe in self._clients)
        print(f"{opened} connections opened in {time.monotonic() - begun:.1f} s", flush=True)
        return self

    def lost(self) -> int:
        """Return how many connections were not kept, or never accepted."""
        for _, pipe in self._clients:
            pipe.send("count")
        return int(sum(pipe.recv() for _, pipe in self._clients))

    def __exit__(self, *_exception: object) -> None:
        for client, pipe in self._clients:
            pipe.send("")
            client.join(30)


def hold(number: int, address: str, is_silent: bool, pipe: Connection) -> None:
    """Open connections, tell how many, then tell how many are lost whenever asked, until an empty text is sent."""
    connections: list[socket.socket] = []
    failed = 0
    for _ in range(number):
        try:
            connection = socket.create_connection(("127.0.0.1", PORT), TIMEOUT_SECONDS, (address, 0))
            connections.append(connection)
            if not is_silent:
                connection.sendall(REQUEST)
                failed += not connection.recv(4096).startswith(ANSWERED)
            connection.setblocking(False)
        except OSError:
            failed += 1
    pipe.send(len(connections))
    with suppress(EOFError, OSError):
        while pipe.recv():
            pipe.send(failed + sum(is_closed(connection) for connection in connections))


def is_closed(connection: socket.socket) -> bool:
    """Return whether the other side closed the connection."""
    try:
        return connection.recv(1, socket.MSG_PEEK) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True


def arrivals(rate: int, seconds: float) -> int:
    """Open so many connections a second, each with one request; print how it went and return the failures."""
    durations, failures, elapsed = asyncio.run(_arrivals(rate, seconds))
    durations.sort()
    p50, p99 = (1000 * durations[int(len(durations) * share)] if durations else 0 for share in (0.5, 0.99))
    print(
        f"new connections, each with one request: {len(durations) / elapsed:.0f} a second answered of {rate},"
        f" p50 {p50:.1f} ms, p99 {p99:.1f} ms, {failures} failed"
    )
    return failures


async def _arrivals(rate: int, seconds: float) -> tuple[list[float], int, float]:
    durations: list[float] = []
    failures = 0

    async def arrive(number: int) -> None:
        nonlocal failures
        begun = time.perf_counter()
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                source = (f"127.0.2.{1 + number % 250}", 0)
                reader, writer = await asyncio.open_connection("127.0.0.1", PORT, local_addr=source)
                writer.write(REQUEST)
                answer = await reader.read(4096)
                writer.close()
        except OSError:
            failures += 1
            return
        if answer.startswith(ANSWERED):
            durations.append(time.perf_counter() - begun)
        else:
            failures += 1

    begun = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for number in range(int(rate * seconds)):
            pause = begun + number / rate - time.perf_counter()
            if pause > 0:
                await asyncio.sleep(pause)
            group.create_task(arrive(number))
    return durations, failures, time.perf_counter() - begun


if __name__ == "__main__":
    os.environ.setdefault("PYTHONDONTWRITEBYTECODE", "1")
    sys.exit(main())
