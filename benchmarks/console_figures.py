"""What one look at the console costs the database: each of its statements, with millions of events.

Fills a database: events of 30 days, a quarter of them within the last hour as in an attack, their facts and counts,
incidents, sessions and jobs. Then all figures are read several times, and the fastest run of each statement is printed.
Ends with 1 when one of them takes longer than 50 ms.
"""

import argparse
import os
import sys
import time
from collections import defaultdict
from typing import Any

from servers import ROOT, bench_environment, cedrina_environment, migrate, new_database, require_database

sys.path.insert(0, str(ROOT))
BAR_MS = 50.0
ROUNDS = 5
# Numbers from 1 to `total`: the last quarter within the last hour, the others within 30 days before it.
MOMENT = """CASE WHEN n > %(total)s * 0.75 THEN now() - interval '1 hour' * (%(total)s - n) / (%(total)s * 0.25)
    ELSE now() - interval '1 hour' - interval '30 days' * (1 - n::float8 / (%(total)s * 0.75)) END"""
ID = """overlay(overlay(md5(n::text) placing lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || '7'
    from 1) placing 'a' from 17)::uuid"""
TYPE = "(ARRAY['authentication.login_succeeded', 'authentication.login_failed', 'session.created'])[1 + n %% 3]"
FILL = {
    "events": f"""
        INSERT INTO security_events_event (id, occurred_at, type, category, severity, outcome, actor_id, actor_name,
            actor_pseudonym, target_id, target_name, correlation_id, ip_address, user_agent, risk_score, risk_reasons,
            data)
        SELECT {ID}, at, {TYPE}, 'authentication', CASE WHEN n %% 50 = 0 THEN 'high' ELSE 'low' END, 'success',
            md5((n %% 50000)::text), 'm***', '', md5((n %% 50000)::text), 'm***', '',
            ('198.51.' || n %% 250 || '.7')::inet, 'Mozilla/5.0', 0, '[]', '{{}}'
        FROM (SELECT n, {MOMENT} AS at FROM generate_series(%(first)s::int, %(last)s::int) n) AS made""",  # noqa: S608 - parts of our own
    "facts": f"""
        INSERT INTO security_events_detectionfact (event_id, at, type, is_success, account, actor, ip_address, network,
            program, is_unknown_name, is_relay, times)
        SELECT {ID}, at, {TYPE}, n %% 3 = 0, md5((n %% 50000)::text), md5((n %% 50000)::text), '198.51.100.7',
            '198.51.' || n %% 250 || '.0', 'p', n %% 9 = 0, false, 1
        FROM (SELECT n, {MOMENT} AS at FROM generate_series(%(first)s::int, %(last)s::int) n) AS made""",  # noqa: S608 - parts of our own
}  # fmt: skip
ONCE = (
    """INSERT INTO security_events_eventcount (minute, series, key, number)
        SELECT date_trunc('minute', now()) - minute * interval '1 minute', 'type', 'type' || kind, 1000
        FROM generate_series(0, 1499) minute, generate_series(1, 60) kind""",
    """INSERT INTO security_events_incident (id, rule, key, status, severity, subject, network, events, risk_score,
            risk_reasons, evidence, rule_version, verdict, note, version, opened_at, updated_at, resolved_at)
        SELECT security_events_uuid7(), 'brute_force', n::text, CASE WHEN n <= 2000 THEN 'open' ELSE 'resolved' END,
            'medium', md5(n::text), '198.51.100.0/24', 9, 40, '[]', '{}', 0,
            CASE WHEN n <= 2000 THEN '' ELSE 'true_positive' END, '', 1, now(), now(),
            CASE WHEN n <= 2000 THEN NULL ELSE now() - n * interval '2 minutes' END
        FROM generate_series(1, 50000) n""",
    """INSERT INTO accounts_user (id, password, is_superuser, username, email, email_folded, full_name, locale, tier,
            department, location, is_active, is_staff, version, created_at, updated_at, is_mfa_enabled)
        SELECT md5('u' || n)::uuid, '', false, 'person' || n, n || '@example.com', n || '@example.com', '', 'en',
            'free', '', '', true, false, 1, now(), now(), false FROM generate_series(1, 1000) n""",
    """INSERT INTO tokens_session (id, user_id, user_agent, created_at, last_activity_at, authenticated_at, amr,
            expires_at, end_reason)
        SELECT md5('s' || n)::uuid, md5('u' || 1 + n % 1000)::uuid, '', now(), now(), now(), ARRAY['pwd'],
            now() + interval '9 days', '' FROM generate_series(1, 200000) n""",
    """INSERT INTO tokens_tokenfamily (family_id, user_id, session_id, token_hash, key_epoch, generation,
            confirmed_generation, created_at, rotated_at, expires_at, is_revoked, revoke_reason)
        SELECT md5('f' || n)::uuid, md5('u' || 1 + n % 1000)::uuid, md5('s' || n)::uuid, '', 1, 1, 1, now(), now(),
            now() + interval '9 days', false, '' FROM generate_series(1, 200000) n""",
    """INSERT INTO procrastinate_jobs (queue_name, task_name, status)
        SELECT 'mail', 'deliver', 'todo' FROM generate_series(1, 20000)""",
    """INSERT INTO security_events_detectionposition (id, transaction_id, event_id, judged_from, moved_at)
        SELECT 1, pg_current_xact_id()::text::bigint - 1, gen_random_uuid(), 0, now()""",
    "ANALYZE",
)
CHUNK = 250_000


def fill(url: str, total: int) -> None:
    """Make the rows, a chunk in each transaction."""
    import psycopg

    with psycopg.connect(url.replace("postgres://", "postgresql://"), autocommit=True) as connection:
        for name, statement in FILL.items():
            began = time.monotonic()
            for first in range(1, total + 1, CHUNK):
                last = min(total, first + CHUNK - 1)
                connection.execute(statement, {"total": total, "first": first, "last": last})
            print(f"{total} {name} in {time.monotonic() - began:.0f} s", flush=True)
        for statement in ONCE:
            connection.execute(statement)


def measure() -> dict[str, float]:
    """Read all figures a few times; return the fastest run of each statement in milliseconds."""
    from django.db import connection
    from django.utils import timezone

    from accounts.models import User
    from cedrina.console import figures

    runs: dict[str, list[float]] = defaultdict(list)

    def timed(execute: Any, statement: str, parameters: Any, many: bool, context: Any) -> Any:
        began = time.perf_counter()
        try:
            return execute(statement, parameters, many, context)
        finally:
            runs[" ".join(statement.split())[:90]].append(1000 * (time.perf_counter() - began))

    viewer = User(is_superuser=True, is_staff=True, is_active=True)
    for _ in range(ROUNDS):
        figures.forget_all()
        began = time.perf_counter()
        with connection.execute_wrapper(timed):
            figures.figures_of(viewer, now=timezone.now())
        runs["all figures together"].append(1000 * (time.perf_counter() - began))
    return {statement: min(times) for statement, times in runs.items()}


def main() -> int:
    """Fill, measure and print. Return 1 when a statement takes too long."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=3_000_000)
    options = parser.parse_args()
    require_database()
    environment = cedrina_environment({**bench_environment(1), "DATABASE_URL": new_database("console")})
    import django

    from cedrina.settings.settings_module import settings_module

    os.environ.update(environment, DJANGO_SETTINGS_MODULE=settings_module())
    migrate(environment)
    fill(environment["DATABASE_URL"], options.events)
    django.setup()
    found = sorted(measure().items(), key=lambda item: -item[1])
    for statement, milliseconds in found[:12]:
        print(f"{milliseconds:8.1f} ms  {statement}")
    slow = [statement for statement, milliseconds in found if milliseconds > BAR_MS and "together" not in statement]
    return 1 if slow else 0


if __name__ == "__main__":
    sys.exit(main())
