"""Does Cedrina stay as fast when its database grows? Refresh and `/auth/me` with few and with many people.

Fills one database for each number of people, by INSERT ... SELECT: each person has an address, a session, a token
family and a security event. Then one server for each database is loaded, in turns, for a few hundred people that are
spread over the whole table. Ends with 1 when a large database costs more than 1.2 times the smallest one.
"""

import argparse
import json
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
from servers import (
    RESULTS,
    ROOT,
    bench_environment,
    cedrina_environment,
    database_pid,
    harness,
    mapping,
    migrate,
    new_database,
    require_database,
    server,
)

USED_PEOPLE = 400
OPERATIONS = ("refresh", "me")
ALLOWED_RATIO = 1.2
FIRST_PORT = 8120
USER_AGENT = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"
# Ids of version 7 (RFC 9562, 5.7), which follow the time at which the row was made, as those that the product makes.
FUNCTIONS = """
CREATE FUNCTION pg_temp.made_at(n bigint) RETURNS timestamptz LANGUAGE sql STABLE AS
    $$SELECT timestamptz '%(end)s' - interval '20 days' * (1 - n::float8 / %(people)s)$$;
CREATE FUNCTION pg_temp.made_id(kind text, n bigint) RETURNS uuid LANGUAGE sql STABLE AS
    $$SELECT overlay(overlay(md5(kind || n)
        placing lpad(to_hex((extract(epoch FROM pg_temp.made_at(n)) * 1000)::bigint), 12, '0') || '7' from 1)
        placing 'a' from 17)::uuid$$;
"""
ROWS = {
    "accounts_user": """
        INSERT INTO accounts_user (id, password, is_superuser, username, email, email_folded, email_confirmed_at,
            full_name, locale, tier, department, location, is_active, is_staff, version, created_at, updated_at,
            is_mfa_enabled)
        SELECT pg_temp.made_id('user', n), 'bcrypt_sha256$$2b$12$' || md5('salt' || n) || md5('hash' || n), false,
            'person' || n, 'person' || n || '@example.com', 'person' || n || '@example.com', pg_temp.made_at(n),
            'Person ' || n, 'en', 'free', '', '', true, false, 1, pg_temp.made_at(n), pg_temp.made_at(n), false
        FROM generate_series(%(first)s, %(last)s) n""",
    "account_emailaddress": """
        INSERT INTO account_emailaddress (email, verified, "primary", user_id)
        SELECT 'person' || n || '@example.com', true, true, pg_temp.made_id('user', n)
        FROM generate_series(%(first)s, %(last)s) n""",
    "tokens_session": """
        INSERT INTO tokens_session (id, user_id, ip_address, user_agent, created_at, last_activity_at,
            authenticated_at, amr, expires_at, end_reason)
        SELECT pg_temp.made_id('session', n), pg_temp.made_id('user', n), '198.51.100.7', %(user_agent)s,
            pg_temp.made_at(n), pg_temp.made_at(n), pg_temp.made_at(n), ARRAY['pwd'], now() + interval '30 days', ''
        FROM generate_series(%(first)s, %(last)s) n""",
    "tokens_tokenfamily": """
        INSERT INTO tokens_tokenfamily (family_id, user_id, session_id, token_hash, key_epoch, generation,
            confirmed_generation, created_at, rotated_at, expires_at, is_revoked, revoke_reason)
        SELECT pg_temp.made_id('family', n), pg_temp.made_id('user', n), pg_temp.made_id('session', n),
            sha256(n::text::bytea), 1, 1, 0, pg_temp.made_at(n), pg_temp.made_at(n), now() + interval '14 days',
            false, ''
        FROM generate_series(%(first)s, %(last)s) n""",
    "security_events_event": """
        INSERT INTO security_events_event (id, occurred_at, type, category, severity, outcome, actor_id, actor_name,
            actor_pseudonym, target_id, target_name, session_id, family_id, correlation_id, ip_address, user_agent,
            risk_score, risk_reasons, data)
        SELECT pg_temp.made_id('event', n), pg_temp.made_at(n), 'token.refreshed', 'session', 'info', 'success',
            pg_temp.made_id('user', n)::text, '', '', '', '', pg_temp.made_id('session', n),
            pg_temp.made_id('family', n), md5('request' || n), '198.51.100.7', %(user_agent)s, 0, '[]',
            '{"generation": 2}'
        FROM generate_series(%(first)s, %(last)s) n""",
}
BATCH = 250_000
TABLES_AT_A_TIME = 2


def main() -> int:
    """Fill what is not filled yet, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", default="10000,1000000", help="sizes; the first is what the others compare with")
    parser.add_argument("--seconds", type=float, default=9.0, help="load for each size and operation")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--conc", default="8", help="concurrent users")
    parser.add_argument("--fill-only", action="store_true", help="with --data of embedded: measure later, by itself")
    options = parser.parse_args()
    require_database()
    sizes = [int(number) for number in options.people.split(",")]
    environment = cedrina_environment(bench_environment(1))
    urls = {people: filled(people, environment) for people in sizes}
    return 0 if options.fill_only else measure(urls, options, environment)


def filled(people: int, environment: dict[str, str]) -> str:
    """Return the URL of the database with so many people; make and fill it when it is not there."""
    name = f"growth_{people}"
    with psycopg.connect(os.environ["DATABASE_URL"]) as connection:
        found = connection.execute(
            "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = %s", [name]
        ).fetchone()
    if found == ("filled",):
        return os.environ["DATABASE_URL"].rpartition("/")[0] + f"/{name}"
    begun = time.monotonic()
    url = new_database(name)
    migrate({**environment, "DATABASE_URL": url})
    with ThreadPoolExecutor(TABLES_AT_A_TIME) as threads:
        end = datetime.now(UTC)
        list(threads.map(lambda table: fill(table, people, url, end), ROWS))
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CHECKPOINT")
        connection.execute(f"COMMENT ON DATABASE {name} IS 'filled'")
        size = connection.execute("SELECT pg_database_size(current_database())").fetchone()[0]  # type: ignore[index]
    print(f"{people} people: {size / 2**30:.2f} GiB, filled in {time.monotonic() - begun:.0f} s", flush=True)
    return url


def fill(table: str, people: int, url: str, end: datetime) -> None:
    """Insert the rows of a table, in batches. All tables need the same ``end``, which the ids follow."""
    begun = time.monotonic()
    with psycopg.connect(url, autocommit=True) as connection:
        # Without checks of foreign keys and triggers: the rows refer to each other by construction.
        connection.execute("SET session_replication_role = replica; SET synchronous_commit = off")
        connection.execute(FUNCTIONS.replace("%(people)s", str(people)).replace("%(end)s", end.isoformat()))
        for first in range(1, people + 1, BATCH):
            last = min(people, first + BATCH - 1)
            statement = ROWS[table].replace("%(first)s", str(first)).replace("%(last)s", str(last))
            connection.execute(statement.replace("%(user_agent)s", f"'{USER_AGENT}'"))
        connection.execute(f"VACUUM (ANALYZE) {table}")
    print(f"{people} people: {table} in {time.monotonic() - begun:.0f} s", flush=True)


def measure(urls: dict[int, str], options: argparse.Namespace, environment: dict[str, str]) -> int:
    """Load one server for each database, in turns, and compare."""
    with ExitStack() as stack:
        mappings = []
        for number, (people, url) in enumerate(urls.items()):
            name, port = f"people-{people}", FIRST_PORT + number
            own = {**environment, "DATABASE_URL": url, "PORT": str(port)}
            migrate(own)
            stack.enter_context(server(name, ["--http"], own))
            mappings.append(mapping(name, port, people=used_people(people, url, own)))
        load = ["--ops", ",".join(OPERATIONS), "--conc", options.conc, "--db-pids", database_pid()]
        rounds = ["--rounds", str(options.rounds), "--seconds", str(options.seconds)]
        result = harness(*load, *rounds, *mappings, environment=environment, out=RESULTS / "growth.json")
    return print_table(result["targets"])


def used_people(people: int, url: str, environment: dict[str, str]) -> Path:
    """Give some people, spread over the table, a refresh token that is valid, and return the file with their names."""
    mint_refresh_token, token_digest = token_functions(environment)
    positions = [1 + number * people // USED_PEOPLE for number in range(USED_PEOPLE)]
    persons = []
    with psycopg.connect(url) as connection, connection.cursor() as cursor:
        for position in positions:
            cursor.execute(
                "SELECT family_id FROM tokens_tokenfamily f JOIN accounts_user u ON u.id = f.user_id"
                " WHERE u.email_folded = %s",
                [f"person{position}@example.com"],
            )
            (family_id,) = cursor.fetchone()  # type: ignore[misc]
            token = mint_refresh_token(family_id=family_id, generation=1, key_epoch=1)
            cursor.execute(
                "UPDATE tokens_tokenfamily SET token_hash = %s, previous_token_hash = NULL, generation = 1,"
                " confirmed_generation = 0 WHERE family_id = %s",
                [token_digest(token), family_id],
            )
            persons.append({"email": f"person{position}@example.com", "refresh": token})
    path = Path(os.environ["BENCH_HOME"]) / "cedrina" / f"people-{people}-used.json"
    path.write_text(json.dumps(persons))
    return path


def token_functions(environment: dict[str, str]) -> tuple[Any, Any]:
    """Return the product's own functions that make a refresh token and its digest, with the secrets of the servers."""
    os.environ.update({name: environment[name] for name in ("CEDRINA_ENV", "EMAIL_URL")})
    sys.path.insert(0, str(ROOT))
    from cedrina.settings.settings_module import settings_module

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", settings_module())
    from cedrina_base.signed_tokens import token_digest
    from tokens.refresh_tokens.secrets import mint_refresh_token

    return mint_refresh_token, token_digest


def print_table(targets: dict[str, Any]) -> int:
    """Print the figures; return 1 when a database costs more than the allowed ratio of the first one."""
    too_dear = 0
    heads = f"{'p50 ms':>8}{'p99 ms':>8}{'CPU s/1000':>12}{'of PG':>8}{'x':>7}"
    print(f"\n{'operation':10}{'users':>6}  {'database':20}{heads}")
    for operation in OPERATIONS:
        first: dict[str, float] = {}
        for name, rows in targets.items():
            for users, row in rows[operation].items():
                cost = row["server_cpu_s_per_1000"] + row["db_cpu_s_per_1000"]
                ratio = cost / first.setdefault(users, cost)
                too_dear += ratio > ALLOWED_RATIO or row["errors"] > 0
                times = f"{row['p50_ms']:8.2f}{row['p99_ms']:8.2f}{cost:12.3f}{row['db_cpu_s_per_1000']:8.3f}"
                print(f"{operation:10}{users:>6}  {name:20}{times}{ratio:7.2f}  errors {row['errors']}")
    if too_dear:
        print(
            f"\nA large database costs more than {ALLOWED_RATIO} times the first: look at the plans of its statements."
        )
    return int(too_dear > 0)


if __name__ == "__main__":
    sys.exit(main())
