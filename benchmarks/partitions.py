"""What do 16 hash partitions of sessions and token families cost and buy? Two databases with the same rows, in turns.

Fills one database as `benchmarks/growth.py` does, copies it, and divides the copy's tables by
`deploy/postgres/partition_sessions.sql`. Then the product's own services sign people in, check their tokens, refresh
and sign them out in both, without HTTP, so that the time of PostgreSQL's process is the statements'. Figures of
docs/scaling.md.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

import psycopg
from growth import fill
from servers import ROOT, bench_environment, cedrina_environment, migrate, new_database, require_database

SCRIPT = ROOT / "deploy" / "postgres" / "partition_sessions.sql"
TABLES = ("accounts_user", "tokens_session", "tokens_tokenfamily")
DIVIDED = TABLES[1:]
OPERATIONS = ("sign in", "refresh", "check", "sign out")
ONE, MANY = "one table", "16 partitions"
GENERIC = ", generic"
# PostgreSQL expects a generic plan to read all partitions, so it plans each execution anew unless it is told not to.
GENERIC_PLANS = {"PGOPTIONS": "-c plan_cache_mode=force_generic_plan"}
USERS_AT_A_TIME = 200


def main() -> None:
    """Fill, divide, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, default=2_000_000, help="one session and one family each")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--prepare-only", action="store_true", help="with --data of embedded: measure later, by itself")
    parser.add_argument("--play", help=argparse.SUPPRESS)  # this program as the one that works on a database
    options = parser.parse_args()
    if options.play:
        play(options.play)
        return
    require_database()
    environment = cedrina_environment(bench_environment(1, bcrypt_rounds=4))
    urls = prepared(options.people, environment)
    if not options.prepare_only:
        measure(urls, options.rounds, environment)


def prepared(people: int, environment: dict[str, str]) -> dict[str, str]:
    """Return the URLs of both databases; make those that are not there."""
    base = os.environ["DATABASE_URL"].rpartition("/")[0]
    names = {ONE: f"partitions_one_{people}", MANY: f"partitions_many_{people}"}
    urls = {kind: f"{base}/{name}" for kind, name in names.items()}
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as connection:
        there = {row[0] for row in connection.execute("SELECT datname FROM pg_database")}
        if names[MANY] in there:
            return urls
        migrate({**environment, "DATABASE_URL": new_database(names[ONE])})
        end = datetime.now(UTC)
        for table in TABLES:
            fill(table, people, urls[ONE], end)
        connection.execute(f"DROP DATABASE IF EXISTS {names[MANY]}_new")
        connection.execute(f"CREATE DATABASE {names[MANY]}_new TEMPLATE {names[ONE]}")
        with psycopg.connect(f"{base}/{names[MANY]}_new") as copy:
            begun = time.monotonic()
            copy.execute(SCRIPT.read_text(encoding="utf-8"))
            copy.commit()
            print(f"{people} sessions and families divided in {time.monotonic() - begun:.0f} s", flush=True)
        connection.execute(f"ALTER DATABASE {names[MANY]}_new RENAME TO {names[MANY]}")
    for url in urls.values():
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("VACUUM (FREEZE, ANALYZE)")
    return urls


def measure(urls: dict[str, str], rounds: int, environment: dict[str, str]) -> None:
    """Let both databases work in turns, and print what they took."""
    players = {kind: Player(url, environment) for kind, url in urls.items()}
    for kind, url in urls.items():
        players[kind + GENERIC] = Player(url, {**environment, **GENERIC_PLANS})
    taken: dict[str, dict[str, list[dict[str, float]]]] = {kind: {each: [] for each in OPERATIONS} for kind in players}
    try:
        for number in range(rounds + 1):
            for kind, player in players.items():
                for operation in OPERATIONS:
                    row = player.work(operation)
                    if number:  # the first round fills caches and prepares statements
                        taken[kind][operation].append(row)
    finally:
        for player in players.values():
            player.end()
    print(f"\n{'CPU of PostgreSQL, ms':24}" + "".join(f"{kind:>22}{'x':>6}" for kind in players))
    for operation in OPERATIONS:
        figures = [median(row["database_ms"] for row in taken[kind][operation]) for kind in players]
        print(f"{operation:24}" + "".join(f"{figure:22.3f}{figure / figures[0]:6.2f}" for figure in figures))
    for kind, url in urls.items():
        print(f"\n{kind}")
        for line in sizes(url):
            print("  " + line)


class Player:
    """This program in a process of its own, with the product's settings for one database."""

    def __init__(self, url: str, environment: dict[str, str]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, __file__, "--play", url],
            env={**environment, "DATABASE_URL": url},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def work(self, operation: str) -> dict[str, float]:
        """Do something for each of USERS_AT_A_TIME people; return what one of them took."""
        assert self._process.stdin is not None  # noqa: S101
        assert self._process.stdout is not None  # noqa: S101
        self._process.stdin.write(f"{operation}\n")
        self._process.stdin.flush()
        row: dict[str, float] = json.loads(self._process.stdout.readline())
        return row

    def end(self) -> None:
        """End the process."""
        assert self._process.stdin is not None  # noqa: S101
        self._process.stdin.close()
        self._process.wait(30)


def play(url: str) -> None:
    """Do what stdin says, and write what PostgreSQL's process took for it."""
    sys.path.insert(0, str(ROOT))
    from cedrina.settings.settings_module import settings_module

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", settings_module())
    import django

    django.setup()
    from django.contrib.auth import get_user_model
    from django.db import connection, transaction

    from tokens.access_tokens.codec import decode_access_token
    from tokens.services import issuing, keys, revocation, rotation, verification
    from tokens.types import ClientContext

    keys.ensure_first(now=datetime.now(UTC))
    step = get_user_model().objects.count() // USERS_AT_A_TIME  # they are spread over the whole table
    first = 2 if "PGOPTIONS" in os.environ else 1  # two programs at one database use different people
    names = [f"person{first + number * step}" for number in range(USERS_AT_A_TIME)]
    users = list(get_user_model().objects.filter(username__in=names))
    client = ClientContext(ip_address="198.51.100.7", user_agent="bench")
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (pid,) = cursor.fetchone()
        tokens = [given_token(cursor, user.pk) for user in users]
    opened: list[Any] = []
    used: list[Any] = []
    for line in sys.stdin:
        operation, begun, now = line.strip(), cpu_seconds(pid), datetime.now(UTC)
        if operation == "sign in":
            for user in users:
                with transaction.atomic():
                    opened.append(issuing.open_session(user=user, client=client, amr=["pwd"], now=now))
        elif operation == "refresh":
            used = [rotation.rotate(presented=token, client=client, now=now) for token in tokens]
            tokens = [pair.refresh_token for pair in used]
        elif operation == "check":
            for pair in used:
                verification.authenticate(presented=pair.access_token, now=now)
        else:
            while opened:
                claims: Any = decode_access_token(opened.pop().access_token)
                revocation.log_out(claims=claims, now=now)
        print(json.dumps({"database_ms": 1000 * (cpu_seconds(pid) - begun) / len(users)}), flush=True)


def given_token(cursor: Any, user_id: Any) -> str:
    """Give the filled-in family of a person a refresh token that is valid, and return the token."""
    from cedrina_base.signed_tokens import token_digest
    from tokens.refresh_tokens.secrets import mint_refresh_token

    cursor.execute("SELECT family_id FROM tokens_tokenfamily WHERE user_id = %s ORDER BY family_id LIMIT 1", [user_id])
    (family_id,) = cursor.fetchone()
    token = mint_refresh_token(family_id=family_id, generation=1, key_epoch=1)
    cursor.execute(
        "UPDATE tokens_tokenfamily SET token_hash = %s, previous_token_hash = NULL, generation = 1,"
        " confirmed_generation = 0 WHERE family_id = %s",
        [token_digest(token), family_id],
    )
    return token


def cpu_seconds(pid: int) -> float:
    """Return the CPU time of a process, in nanoseconds' precision (proc(5), schedstat)."""
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9


def sizes(url: str) -> list[str]:
    """Change a tenth of all families, let VACUUM clean up, and say how long that took and how large all is."""
    lines = []
    with psycopg.connect(url, autocommit=True) as connection:
        row: Any = connection.execute(
            "SELECT sum(pg_table_size(t.relid)), sum(pg_indexes_size(t.relid)), max(relpages_of_keys) FROM ("
            "  SELECT c.oid AS relid, (SELECT max(i.relpages) FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid"
            "    WHERE x.indrelid = c.oid AND x.indisprimary) AS relpages_of_keys"
            "  FROM pg_class c WHERE c.relkind = 'r' AND c.relname ~ '^tokens_(session|tokenfamily)(_[0-9]+)?$') t"
        ).fetchone()
        lines.append(f"tables {row[0] / 2**20:.0f} MiB, indexes {row[1] / 2**20:.0f} MiB")
        lines.append(f"pages of the largest primary key {row[2]}")
        connection.execute("UPDATE tokens_tokenfamily SET expires_at = expires_at WHERE get_byte(token_hash, 0) < 25")
        tables = [
            name
            for (name,) in connection.execute(
                "SELECT relname FROM pg_class WHERE relkind = 'r' AND relname ~ '^tokens_tokenfamily(_[0-9]+)?$'"
            )
        ]
        times = []
        for table in tables:
            begun = time.monotonic()
            connection.execute(f"VACUUM {table}")
            times.append(time.monotonic() - begun)
        lines.append(
            f"VACUUM after a tenth was updated: {sum(times):.1f} s in all, {max(times):.1f} s the longest table"
        )
    return lines


if __name__ == "__main__":
    main()
