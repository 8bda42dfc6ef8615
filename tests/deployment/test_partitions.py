"""deploy/postgres/partition_sessions.sql on a used database: nothing is lost, nothing is renamed, and people go on."""

from contextlib import ExitStack, closing
from datetime import UTC, datetime

import psycopg
import pytest

from tests.architecture.source import ROOT
from tests.journeys.person import PASSWORD, Person
from tests.programs import served
from tokens.selectors import _COUNT_LIVE

pytestmark = pytest.mark.process

SCRIPT = (ROOT / "deploy" / "postgres" / "partition_sessions.sql").read_text(encoding="utf-8")
NAMES = """
SELECT conrelid::regclass::text, conname, contype::text, pg_get_constraintdef(oid)
FROM pg_constraint
WHERE conparentid = 0 AND conrelid IN ('tokens_session'::regclass, 'tokens_tokenfamily'::regclass)
UNION ALL
SELECT indrelid::regclass::text, indexrelid::regclass::text, 'index', pg_get_indexdef(indexrelid)
FROM pg_index WHERE indrelid IN ('tokens_session'::regclass, 'tokens_tokenfamily'::regclass)
"""
ROWS = "SELECT * FROM {} ORDER BY 1"
COLUMNS = """
SELECT table_name, ordinal_position, column_name, data_type, is_nullable, column_default
FROM information_schema.columns WHERE table_name IN ('tokens_session', 'tokens_tokenfamily')
"""


def state(connection):
    """Return what must be the same before and after: names and definitions, columns, and each row."""
    return {
        # The index of a partitioned table says ONLY.
        "names": {(*names, text.replace(" ON ONLY ", " ON ")) for *names, text in connection.execute(NAMES)},
        "columns": sorted(connection.execute(COLUMNS)),
        "sessions": connection.execute(ROWS.format("tokens_session")).fetchall(),
        "families": connection.execute(ROWS.format("tokens_tokenfamily")).fetchall(),
    }


def test_people_go_on_with_their_sessions_and_the_script_runs_once():
    with ExitStack() as opened, served.database() as url:
        with served.serving(database_url=url) as site:
            people = [opened.enter_context(closing(Person(site, number=number))) for number in range(3)]
            for person in people:
                assert person.register().status_code == 201
                assert person.sign_in().status_code == 200
        with psycopg.connect(url) as connection:
            before = state(connection)
            connection.execute(SCRIPT)
            after = state(connection)
            partitions = connection.execute("SELECT relid, isleaf FROM pg_partition_tree('tokens_session')").fetchall()
            _counted, estimate = connection.execute(_COUNT_LIVE, {"now": datetime.now(UTC), "most": 1}).fetchone()
            connection.commit()
            with pytest.raises(psycopg.Error):
                connection.execute(SCRIPT)
        assert before["sessions"]
        assert after == before
        assert len(partitions) == 17
        assert estimate == len(after["sessions"])  # all are open

        with served.serving(database_url=url) as site:
            assert "No changes" in site.manage("makemigrations", "--check", "--dry-run")
            site.manage("migrate")
            for person in people:
                person.move_to(site)
                assert person.refresh().status_code == 200
                assert person.me().status_code == 200
            first = people[0]
            listed = first.send("GET", "/auth/sessions").json()
            assert len(listed["results"]) == 2
            assert first.send("POST", "/auth/logout", {"all": True}).status_code == 204
            assert first.me().status_code == 401
            assert first.sign_in(password=PASSWORD).status_code == 200
            site.manage("purge_expired")
