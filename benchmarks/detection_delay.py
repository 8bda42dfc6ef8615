"""How soon detection acts: from the commit of an event to the commit of the finding that it leads to.

Four processes record events as the web workers do, each event in a transaction of its own, 200 a second together, and
a background worker (`manage.py run_worker`) runs beside them. Of 20 events one is the use of a stolen refresh token,
which is a finding by itself; of 40, one belongs to the guesses of passwords of an account, of which the tenth is a
finding. All others are failed sign-ins of many accounts from many networks. This process looks every 10 ms which events
are in an incident. An event without a finding a minute later ends the measurement. Ends with 1 when the goal is missed.
"""

import argparse
import json
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psycopg
from sealing import database, django_at
from servers import ROOT, bench_environment, cedrina_environment, require_database

GOAL_SECONDS = 2.0
WRITERS, RATE = 4, 200  # events a second of all writers
GUESSES = 10  # failures within five minutes; those of an account that never signed in count a half
_LONGEST_WAIT = 60.0  # seconds for a worker to begin, and for the last findings
_LOADING = 15.0  # seconds for four processes to load Django
_ENOUGH = 0.98  # of the rate: a machine that is slower measures something else


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--write", type=int, metavar="NUMBER", help="what this program starts as a writer")
    parser.add_argument("--start", type=float, help="when the writers begin, in seconds since 1970")
    options = parser.parse_args()
    require_database()
    environment = cedrina_environment(bench_environment(WRITERS, bcrypt_rounds=4))
    if options.write is not None:
        return record_events(options.write, options.start, options.seconds, environment)
    environment["DATABASE_URL"] = url = database("detection_finding_delay", environment)
    worker = subprocess.Popen([sys.executable, "manage.py", "run_worker"], cwd=ROOT, env=environment)
    try:
        with psycopg.connect(url, autocommit=True) as connection:
            wait_for_worker(connection)
            result = measure(connection, options.seconds, environment)
    finally:
        worker.terminate()
        worker.wait(30)
    print(json.dumps(result))
    return int(result["p99_seconds"] > GOAL_SECONDS or result["events_per_second"] < _ENOUGH * RATE)


def record_events(number: int, start: float, seconds: int, environment: dict[str, str]) -> int:
    """Record a share of the events, and print the id and the time of commit of each that must be found.

    All writers begin at the same time, when each has loaded what it needs.
    """
    django_at(environment["DATABASE_URL"], environment)
    from accounts.event_types import LOGIN_FAILED
    from security_events import context
    from security_events.services import recording
    from security_events.types import Outcome, Subject
    from tokens.event_types import TOKEN_REUSE_DETECTED

    def record(event_type: Any, account: int, address: str) -> Any:
        request = context.RequestContext(ip_address=address, user_agent=f"Program {chr(65 + account % 40)}")
        who = Subject(id=str(10**12 + account))
        with context.bind(request):
            return recording.record(event_type, actor=who, target=who, outcome=Outcome.FAILURE)

    time.sleep(max(0.0, start - time.time()))
    begun, turn = time.monotonic(), 0
    while time.monotonic() < begun + seconds:
        account, must_be_found = (turn * WRITERS + number) * 1000, turn % 20 == 0
        event_type = TOKEN_REUSE_DETECTED if must_be_found else LOGIN_FAILED
        address = f"10.{number}.{turn // 250 % 250}.{1 + turn % 250}"
        if turn % 40 == 1:
            guess = turn // 40
            account, address = guess // GUESSES * 1000 + number + 1, f"172.16.{number}.1"
            must_be_found = guess % GUESSES == GUESSES - 1
        event_id = record(event_type, account, address)
        if must_be_found:
            print(event_id, time.time(), flush=True)
        turn += 1
        time.sleep(max(0.0, begun + turn * WRITERS / RATE - time.monotonic()))
    print("recorded", turn, flush=True)
    return 0


def wait_for_worker(connection: Any) -> None:
    begun = time.monotonic()
    while connection.execute("SELECT count(*) FROM security_events_detectionposition").fetchone() == (0,):
        if time.monotonic() - begun > _LONGEST_WAIT:
            sys.exit("no worker began")
        time.sleep(0.1)


def measure(connection: Any, seconds: int, environment: dict[str, str]) -> dict[str, Any]:
    command = [sys.executable, str(Path(__file__)), "--seconds", str(seconds), "--start", str(time.time() + _LOADING)]
    writers = [
        subprocess.Popen(
            [*command, "--write", str(number)], cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True
        )
        for number in range(WRITERS)
    ]
    found: dict[str, float] = {}
    last = 0
    while any(writer.poll() is None for writer in writers):
        last = look(connection, last, found)
    printed = [line.split() for writer in writers for line in writer.communicate()[0].splitlines()]
    events = sum(int(number) for name, number in printed if name == "recorded")
    committed = {name: float(at) for name, at in printed if name != "recorded"}
    ended = time.monotonic()
    while missing := committed.keys() - found.keys():
        last = look(connection, last, found)
        if time.monotonic() - ended > _LONGEST_WAIT:
            sys.exit(f"{len(missing)} events led to no finding")
    delays = sorted(found[name] - at for name, at in committed.items())
    return {
        "part": "finding_delay",
        "events": events,
        "events_per_second": round(events / seconds, 1),
        "findings": len(delays),
        "median_seconds": round(statistics.median(delays), 3),
        "p99_seconds": round(delays[int(0.99 * (len(delays) - 1))], 3),
        "max_seconds": round(delays[-1], 3),
        "goal_seconds": GOAL_SECONDS,
    }


def look(connection: Any, last: int, found: dict[str, float]) -> int:
    """Note the time of new events of incidents; return the id of the newest row."""
    time.sleep(0.01)
    rows = connection.execute(
        "SELECT id, event_id::text FROM security_events_incidentevent WHERE id > %s ORDER BY id", [last]
    ).fetchall()
    now = time.time()
    for _id, event_id in rows:
        found.setdefault(event_id, now)
    return rows[-1][0] if rows else last


if __name__ == "__main__":
    sys.exit(main())
