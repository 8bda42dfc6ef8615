"""What sockets of operators cost: memory of idle ones, and how late and how complete events arrive at all of them.

First it compares writers that announce each event by NOTIFY with those that don't: the feed does without.

A writer inserts events, each in a transaction of its own, and a client process (socket_reader.py) reads them from all
sockets. The same client then reads as many events from consumers of Channels' core layer (peers/channels_feed.py),
whose group_send makes a copy for each socket. Ends with 1 when an event is lost or doubled, a socket was closed, or the
p99 until the client had read an event is over 200 ms.
"""

import argparse
import json
import multiprocessing
import os
import resource
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

from servers import HERE, ROOT, bench_environment, cedrina_environment, migrate, new_database, require_database, server
from socket_reader import PER_PERSON, read

sys.path.insert(0, str(ROOT))
PORT, PEER_PORT = 8471, 8472
BAR_MS = 200.0
WRITE = """
INSERT INTO security_events_event (id, occurred_at, type, category, severity, outcome, actor_id, actor_name,
    actor_pseudonym, target_id, target_name, correlation_id, ip_address, user_agent, risk_score, risk_reasons, data)
VALUES (security_events_uuid7(), clock_timestamp(), 'session.created', 'session', 'info', 'success', md5(%(n)s::text),
    'm***@example.com', '', md5(%(n)s::text), 'm***@example.com', md5(%(n)s::text), '198.51.100.7',
    'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36', 0, '[]',
    jsonb_build_object(
        'number', %(n)s::int, 'written_at', to_char(extract(epoch FROM clock_timestamp()), 'FM9999999999.000000')
    ))
"""
PARTS = ("writers", "feed", "idle", "channels")


def figures(pid: int, *, tokens: list[str], port: int, options: Any, path: str, write: Any, ask: str = "") -> dict:
    """Measure one server."""
    ours, theirs = multiprocessing.Pipe()
    before = resident_mib(pid)
    client = multiprocessing.Process(target=read, args=(tokens, port, options.sockets, path, ask, theirs), daemon=True)
    client.start()
    ours.recv()
    opened, cpu, began = resident_mib(pid), cpu_seconds(pid), time.monotonic()
    write()
    time.sleep(max(0, began + options.events / options.rate + 2 - time.monotonic()))
    used = cpu_seconds(pid) - cpu
    took = time.monotonic() - began
    ours.send("stop")
    found = ours.recv()
    client.join()
    frames = options.sockets * options.events
    return {
        "lost": options.events - found["fewest"],
        **{name: figure for name, figure in found.items() if name != "fewest"},
        "cpu_share": round(used / took, 2),
        "cpu_us_per_frame": round(1e6 * used / frames, 1),
        "kib_per_socket": round(1024 * (opened - before) / options.sockets, 1),
    }


def resident_mib(pid: int) -> float:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def operators(number: int) -> list[str]:
    """Make operators, each with a session, and return their access tokens."""
    from django.contrib.auth import get_user_model
    from django.db import transaction
    from django.utils import timezone

    from tokens.services import issuing
    from tokens.types import ClientContext

    model, found = get_user_model(), []
    for each in range(number):
        address = f"op{each}@example.com"
        rights = {"role_grants": "admin", "email_confirmed_at": timezone.now()}
        user = model.objects.create(username=f"op{each}", email=address, email_folded=address, **rights)
        with transaction.atomic():
            pair = issuing.open_session(user=user, client=ClientContext(), amr=("pwd",), now=timezone.now())
        found.append(pair.access_token)
    return found


def write_events(options: Any) -> None:
    """Write events, and announce them as servers do."""
    import psycopg

    from security_events.signals import event_committed

    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as connection:
        began = time.monotonic()
        for number in range(options.events):
            connection.execute(WRITE, {"n": number})
            event_committed.send_robust(None)
            time.sleep(max(0, began + number / options.rate - time.monotonic()))


def idle(pid: int, tokens: list[str], options: Any) -> dict[str, Any]:
    """Return the memory of a server with many sockets on which nothing happens."""
    ours, theirs = multiprocessing.Pipe()
    arguments = (tokens, PORT, options.idle, "/ws/account/", "", theirs)
    client = multiprocessing.Process(target=read, args=arguments, daemon=True)
    client.start()
    ours.recv()
    cpu, began = cpu_seconds(pid), time.monotonic()
    time.sleep(5)
    share = (cpu_seconds(pid) - cpu) / (time.monotonic() - began)
    found = {"sockets": options.idle, "mib": round(resident_mib(pid)), "cpu_share": round(share, 2)}
    ours.send("stop")
    found["closed"] = ours.recv()["closed"]
    client.join()
    return found


def writers(*, statement: str, number: int = 8, seconds: float = 3.0) -> float:
    """Return how many events a second some connections write, each event in a transaction of its own."""
    import psycopg

    counts = [0] * number
    until = time.monotonic() + seconds

    def write(place: int) -> None:
        with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as connection:
            while time.monotonic() < until:
                with connection.transaction():
                    connection.execute(WRITE, {"n": counts[place]})
                    connection.execute(statement)
                counts[place] += 1

    threads = [threading.Thread(target=write, args=(place,)) for place in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts) / seconds


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sockets", type=int, default=1000)
    parser.add_argument("--rate", type=int, default=100, help="events a second")
    parser.add_argument("--events", type=int, default=1000)
    parser.add_argument("--idle", type=int, default=5000)
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS)
    options = parser.parse_args()
    require_database()
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    redis_url = os.environ.get("REDIS_URL", "")
    os.environ["DATABASE_URL"] = new_database("bench_sockets")
    settings = {"DJANGO_SETTINGS_MODULE": "cedrina.settings.dev", "PORT": str(PORT), "SOCKETS_PER_ADDRESS": "100000"}
    os.environ.update(cedrina_environment(bench_environment(1)), **settings)
    migrate(dict(os.environ))
    import django

    django.setup()
    from security_events.live import hint_sender

    hint_sender.start()
    # Other people for each part: the sockets of a server that has ended count against their limit for a while.
    tokens = operators((options.sockets + options.idle) // PER_PERSON)
    result: dict[str, Any] = {}
    if "writers" in options.parts:
        # What each writer would pay if it announced its events. In turns, since the machine has its moods.
        turns = [(writers(statement="SELECT 1"), writers(statement="SELECT pg_notify('events', '')")) for _ in range(3)]
        result["writers_with_notify"] = round(sorted(told / silent for silent, told in turns)[1], 2)
    if "feed" in options.parts:
        with server("sockets", ["--sockets"], dict(os.environ)) as pid:
            result["cedrina"] = figures(
                pid,
                tokens=tokens,
                port=PORT,
                options=options,
                path="/ws/security-events/",
                write=lambda: threading.Thread(target=write_events, args=(options,)).start(),
            )
    if "idle" in options.parts:
        with server("sockets", ["--sockets"], dict(os.environ)) as pid:
            result["idle"] = idle(pid, tokens[options.sockets // PER_PERSON :], options)
    if "channels" in options.parts and redis_url:
        result["channels_core_layer"] = peer(redis_url, options)
    print(json.dumps(result))
    return int(any(is_bad(result[part]) for part in ("cedrina", "idle") if part in result))


def is_bad(found: dict[str, Any]) -> bool:
    """Return whether figures of our servers are below the bar."""
    wrong = [found.get(name, 0) for name in ("lost", "doubled", "closed")]
    return any(wrong) or found.get("p99_ms", 0) > BAR_MS


def peer(redis_url: str, options: Any) -> dict[str, Any]:
    """Measure Channels' own way, with as many sockets and events."""
    command = [sys.executable, str(HERE / "peers" / "channels_feed.py"), str(PEER_PORT), redis_url]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        time.sleep(3)
        ask = json.dumps({"events": options.events, "rate": options.rate})
        return figures(process.pid, tokens=[], port=PEER_PORT, options=options, path="/", write=lambda: None, ask=ask)
    finally:
        process.terminate()
        process.wait()


if __name__ == "__main__":
    sys.exit(main())
