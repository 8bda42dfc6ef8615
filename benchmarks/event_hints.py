"""What hints by Redis buy for open sockets, and what they cost: with and without REDIS_URL, in one run.

One operator's socket and one of an account are open. First nothing happens, and PostgreSQL's transactions are counted;
then events are recorded one after the other, as a server records them, with pauses of half a second to a second and a
half. Prints both, the time that a commit spends on a hint, and the CPU time of a message.
"""

import argparse
import asyncio
import json
import os
import random
import sys
import time
from statistics import quantiles
from typing import Any

from servers import ROOT, bench_environment, cedrina_environment, migrate, new_database, require_database, server
from sockets import cpu_seconds, operators

sys.path.insert(0, str(ROOT))
PORT = 8476
CALLS = 20_000
SHORTEST_PAUSE, LONGEST_PAUSE = 0.5, 1.5


def transactions() -> int:
    """Return how many transactions the database has committed. Statements outside of transactions count as one each."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_clear_snapshot()")
        cursor.execute("SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()")
        return int(cursor.fetchone()[0])


def record(number: int) -> float:
    """Record an event, and return when it was committed."""
    from security_events import event_types
    from security_events.services import recording

    recording.record(event_types.EVENTS_PURGED, data={"events": number})
    return time.monotonic()


async def sockets_in_use(token: str, pid: int, options: Any) -> dict[str, Any]:
    """Return what open sockets cost while nothing happens, and how late events come."""
    import websockets

    headers = {"Authorization": f"Bearer {token}"}
    address = f"ws://127.0.0.1:{PORT}"
    async with (
        websockets.connect(f"{address}/ws/security-events/", additional_headers=headers) as events,
        websockets.connect(f"{address}/ws/account/", additional_headers=headers),
    ):
        await asyncio.sleep(5)  # until caches are filled, and hints are heard
        cpu, before, began = cpu_seconds(pid), await asyncio.to_thread(transactions), time.monotonic()
        await asyncio.sleep(options.idle)
        took = time.monotonic() - began
        idle = (await asyncio.to_thread(transactions) - before) / took
        cpu_share = (cpu_seconds(pid) - cpu) / took
        delays = []
        for number in range(options.events):
            await asyncio.sleep(random.uniform(SHORTEST_PAUSE, LONGEST_PAUSE))
            committed = await asyncio.to_thread(record, number)
            while True:
                frame = json.loads(await events.recv())
                if frame.get("event", {}).get("data", {}).get("events") == number:
                    break
            delays.append(1000 * (time.monotonic() - committed))
    cuts = quantiles(delays, n=100, method="inclusive")
    return {
        "idle_transactions_a_second": round(idle, 1),
        "idle_cpu_share": round(cpu_share, 3),
        "delay_ms": {"p50": round(cuts[49]), "p99": round(cuts[98]), "most": round(max(delays))},
    }


def cost_of_hints() -> dict[str, float]:
    """Return what a commit spends on hints while it writes all the time, and what a message costs this process."""
    from security_events.live import hint_layer, hint_sender
    from security_events.signals import event_committed

    began = time.perf_counter()
    for _ in range(CALLS):
        event_committed.send_robust(None)
    with_hints = time.perf_counter() - began
    hint_sender.stop()
    began = time.perf_counter()
    for _ in range(CALLS):
        event_committed.send_robust(None)
    without = time.perf_counter() - began

    async def send() -> float:
        layer = hint_layer.layer()
        await layer.group_send(hint_layer.GROUP, hint_layer.NEW_EVENTS)
        cpu = time.process_time()
        for _ in range(CALLS // 20):
            await layer.group_send(hint_layer.GROUP, hint_layer.NEW_EVENTS)
        return (time.process_time() - cpu) / (CALLS // 20)

    message = asyncio.run(send())
    return {
        "commit_us": round(1e6 * (with_hints - without) / CALLS, 2),
        "commit_without_us": round(1e6 * without / CALLS, 2),
        "message_cpu_us": round(1e6 * message),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=60)
    parser.add_argument("--idle", type=float, default=10, help="seconds in which nothing happens")
    options = parser.parse_args()
    require_database()
    if not os.environ.get("REDIS_URL"):
        sys.exit("REDIS_URL names no Redis: start this by make, which brings one.")
    os.environ["DATABASE_URL"] = new_database("bench_event_hints")
    settings = {"DJANGO_SETTINGS_MODULE": "cedrina.settings.dev", "PORT": str(PORT)}
    os.environ.update(cedrina_environment(bench_environment(1)), **settings)
    migrate(dict(os.environ))
    import django

    django.setup()
    from security_events.live import hint_sender

    (token,) = operators(1)
    hint_sender.start()
    result: dict[str, Any] = {}
    without = {name: value for name, value in os.environ.items() if name != "REDIS_URL"}
    for name, environment in (("without", without), ("with", dict(os.environ))):
        with server("sockets", ["--sockets"], environment) as pid:
            result[name] = asyncio.run(sockets_in_use(token, pid, options))
    result["cost"] = cost_of_hints()
    print(json.dumps(result))
    return int(result["with"]["delay_ms"]["p50"] > result["without"]["delay_ms"]["p50"])


if __name__ == "__main__":
    sys.exit(main())
