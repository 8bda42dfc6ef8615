"""How long a backtest of a month takes, and how much memory: in the database, and a file of sign-ins.

The goal is one million events in less than a minute on one core: CPU of the command and of its database together.
"""

import argparse
import resource
import tempfile
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import psycopg
from sealing import cpu_seconds, database, django_at
from servers import bench_environment, cedrina_environment, require_database

GOAL_SECONDS = 60.0  # for a million events
# Sign-ins of 30 days by a person for each 50 events, in the order of time, each from one of their two networks. One of
# eight fails. Half a per cent are tries of attackers, by networks of their own, on accounts and on unknown names.
FILL = """
INSERT INTO security_events_event (id, occurred_at, type, category, severity, outcome, actor_id, actor_name,
    actor_pseudonym, target_id, target_name, session_id, family_id, correlation_id, ip_address, user_agent,
    risk_score, risk_reasons, data)
SELECT security_events_uuid7(), now() - interval '30 days' * (1 - n::float8 / %(events)s) - interval '1 minute',
    CASE WHEN is_attack OR is_failure THEN 'authentication.login_failed' ELSE 'authentication.login_succeeded' END,
    'authentication', 'info', CASE WHEN is_attack OR is_failure THEN 'failure' ELSE 'success' END,
    CASE WHEN is_attack AND n %% 2 = 0 THEN '' ELSE md5('person' || person)::uuid::text END, 'pe***',
    CASE WHEN is_attack AND n %% 2 = 0 THEN md5('name' || n) ELSE '' END, '', '', NULL, NULL, md5(n::text),
    CASE WHEN is_attack THEN '203.0.' || (n / 20000) %% 250 || '.7'
         ELSE '10.' || person %% 250 || '.' || (person / 250 + n %% 2 * 100) %% 250 || '.' || n %% 200 END::inet,
    'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/' || 100 + person %% 40 ||
    '.0.0.0 Safari/537.36 Edition/' || chr(65 + (person %% 25)::int), person %% 100, '[]', '{"amr": ["pwd"]}'
FROM (
    SELECT n, n %% 200 = 0 AS is_attack, n %% 8 = 3 AS is_failure, hashint8(n) & 2147483647
        %% GREATEST(1, %(events)s / 50) AS person
    FROM generate_series(1, %(events)s) AS n
) AS made
"""


def main() -> int:
    """Fill a database, replay it, and print what it took. Ends with 1 if the goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000)
    options = parser.parse_args()
    require_database()
    environment = cedrina_environment(bench_environment(1, bcrypt_rounds=4))
    url = database("backtest", environment)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SELECT security_events_make_partition((now() - interval '30 days')::date)")
        connection.execute(FILL, {"events": options.events})
        connection.execute("ANALYZE security_events_event")
    django_at(url, environment)
    return measure(options.events)


def measure(events: int) -> int:
    """Measure the database of the settings, then a file."""
    from django.db import connection
    from django.utils import timezone

    from security_events.detection import rules
    from security_events.detection.backtest.trials import trials_of
    from security_events.detection.simulation.labelled_stream import labelled_sign_ins
    from security_events.detection.simulation.rba_file import RbaFile, write
    from security_events.services.detection import backtest

    rules.load()
    trials = trials_of(
        rules.RULES,
        in_force=backtest.own_settings,
        changes=["brute_force.failures=8", "credential_stuffing.tries=40", "password_spraying.tries=30"],
    )
    now = timezone.now()
    since = now - timedelta(days=30)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (backend,) = cursor.fetchone()
    theirs = cpu_seconds(backend)
    seconds = timed("database", events, lambda: backtest.run(trials=trials, since=since, until=now).events)
    theirs = cpu_seconds(backend) - theirs
    print(f"  and {theirs:.1f} s of PostgreSQL; goal {GOAL_SECONDS * events / 1e6:.1f} s for both")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "sign-ins.csv"
        lines = write(path, labelled_sign_ins(seed=1, people=2000, days=90, attacks=20))
        timed("file", lines, lambda: backtest.run_on_file(trials=trials, file=RbaFile(path)).events)
    return int(seconds + theirs > GOAL_SECONDS * events / 1_000_000)


def timed(name: str, expected: int, replay: Callable[[], int]) -> float:
    """Print and return the CPU seconds of a replay."""
    begun, ours = time.monotonic(), time.process_time()
    events = replay()
    wall, ours = time.monotonic() - begun, time.process_time() - ours
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    if events != expected:
        raise SystemExit(f"{name}: {events} events instead of {expected}")
    print(f"{name}: {events} events in {wall:.1f} s; {ours:.1f} s of CPU, {memory:.0f} MiB at most")
    return ours


if __name__ == "__main__":
    raise SystemExit(main())
