"""What a machine serves, what a million people need, and what breaks first: writes docs/capacity.md.

Measures what each call costs the HTTP workers and PostgreSQL in CPU time, how large a person is in the database, and
how long a password hash takes; the page is computed from that. ``--from FILE`` writes it from figures that were
measured before. Times of a busy machine are no good for this: nothing else should run.
"""

import argparse
import json
import platform
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from capacity_page import FIGURES, PAGE, page
from growth import filled
from servers import (
    RESULTS,
    bench_environment,
    cedrina_environment,
    database_pid,
    harness,
    mapping,
    migrate,
    require_database,
    server,
)

OPERATIONS = ("login", "refresh", "me", "logout")
STORED_PEOPLE = 100_000
ROUNDS = 12
# What each table's rows belong to: a person has one account, some sessions and many events.
TABLES = {
    "account": ("accounts_user", "account_emailaddress"),
    "session": ("tokens_session", "tokens_tokenfamily"),
    "event": ("security_events_event",),
}


def main() -> int:
    """Measure, keep the figures, write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=6.0, help="load for each operation")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--from", dest="source", type=Path, help="figures that were measured before")
    options = parser.parse_args()
    if options.source is None:
        require_database()
        figures = measured(options)
        FIGURES.write_text(json.dumps(figures, indent=1) + "\n")
    else:
        figures = json.loads(options.source.read_text())
    PAGE.write_text(page(figures))
    print(f"{PAGE} written.")
    return 0


def measured(options: argparse.Namespace) -> dict[str, Any]:
    """Return all figures."""
    environment = cedrina_environment(bench_environment(1, bcrypt_rounds=4))
    migrate(environment)
    with server("capacity", ["--http"], {**environment, "PORT": "8150"}):
        load = ["--ops", ",".join(OPERATIONS), "--conc", "8", "--db-pids", database_pid()]
        load += ["--rounds", str(options.rounds), "--seconds", str(options.seconds)]
        out = RESULTS / "capacity.json"
        result = harness(*load, mapping("capacity", 8150), environment=environment, out=out)
    rows = {operation: result["targets"]["capacity"][operation]["8"] for operation in OPERATIONS}
    return {
        "measured_on": f"{datetime.now(UTC):%Y-%m-%d}",
        "python": platform.python_version(),
        "hash_ms": hash_milliseconds(),
        "calls": {
            name: {"worker_ms": row["server_cpu_s_per_1000"], "database_ms": row["db_cpu_s_per_1000"]}
            for name, row in rows.items()
        },
        "errors": sum(row["errors"] for row in rows.values()),
        "bytes": stored_bytes(environment),
    }


def hash_milliseconds() -> float:
    """Return the CPU time of one password hash with the shipped cost."""
    import bcrypt

    times = []
    for _ in range(5):
        began = time.process_time()
        bcrypt.hashpw(b"violet harbour drum kite", bcrypt.gensalt(ROUNDS))
        times.append(time.process_time() - began)
    return round(1000 * sorted(times)[2], 1)


def stored_bytes(environment: dict[str, str]) -> dict[str, float]:
    """Return how many bytes an account, a session and an event take, indexes included."""
    import psycopg

    url = filled(STORED_PEOPLE, environment)
    with psycopg.connect(url) as connection:
        return {
            kind: round(
                sum(
                    connection.execute(
                        "SELECT coalesce(sum(pg_total_relation_size(relid)), pg_total_relation_size(%(table)s))"
                        " FROM pg_partition_tree(%(table)s::regclass)",
                        {"table": table},
                    ).fetchone()[0]  # type: ignore[index]
                    for table in tables
                )
                / STORED_PEOPLE
            )
            for kind, tables in TABLES.items()
        }


if __name__ == "__main__":
    sys.exit(main())
