"""Migrations of this release hold no lock of a large table for long, and give up soon when they wait for one."""

import json
import subprocess
import sys
import threading
import time
from pathlib import Path

import psycopg
import pytest
from django.db import connection

from cedrina.database import migration_locks
from tests.deployment import releases
from tests.programs import busy, served

SQUAWK = Path(sys.prefix) / "bin" / "squawk"
# What blocks readers or writers for as long as a table is large, or breaks the former release beside this one.
FORBIDDEN = (
    "adding-field-with-default", "adding-foreign-key-constraint", "adding-not-nullable-field", "adding-required-field",
    "ban-drop-column", "ban-drop-not-null", "ban-drop-table", "ban-truncate-cascade", "changing-column-type",
    "constraint-missing-not-valid", "disallowed-unique-constraint", "renaming-column", "renaming-table",
    "require-concurrent-index-creation", "require-concurrent-index-deletion",
)  # fmt: skip


def faults_in(sql):
    """Return the rules that squawk finds broken in statements of one transaction."""
    done = subprocess.run(
        [SQUAWK, "--reporter", "json", "--pg-version", "16", "--assume-in-transaction", "--stdin-filepath", "x.sql"],
        input=sql, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode in (0, 1), done.stderr
    return {found["rule_name"] for found in json.loads(done.stdout)} & set(FORBIDDEN)


class TestMigrationsOfThisRelease:
    def test_hold_no_lock_of_a_large_table_for_long(self, db):
        for app, name in releases.new_migrations():
            sql = served.manage("sqlmigrate", app, name, environment=served.environment(**_database()))
            assert faults_in(sql) == set(), f"{app} {name}:\n{sql}"

    def test_would_be_refused_if_they_did(self):
        assert "require-concurrent-index-creation" in faults_in("CREATE INDEX i ON accounts_user (username);")
        assert "ban-drop-column" in faults_in("ALTER TABLE accounts_user DROP COLUMN username;")
        assert faults_in("CREATE TABLE t (a bigint PRIMARY KEY); CREATE INDEX i ON t (a);") == set()


def _database():
    settings = connection.settings_dict
    return {"DATABASE_URL": f"postgres://{settings['USER']}:{settings['PASSWORD']}@{settings['HOST']}:{settings['PORT']}/"
            f"{settings['NAME']}"}  # fmt: skip


@pytest.mark.django_db(transaction=True)
class TestAMigrationThatWaitsForALock:
    def test_lets_others_go_on_and_tries_again(self):
        locked, release = threading.Event(), threading.Event()
        parameters = connection.get_connection_params()

        def report():
            with psycopg.connect(**parameters) as long_report:
                long_report.execute("SELECT count(*) FROM accounts_user")  # ACCESS SHARE until the transaction ends
                locked.set()
                release.wait(60)

        waits, told, ended = [], [], threading.Event()

        def others():
            with psycopg.connect(**parameters, autocommit=True) as other:
                while not ended.wait(0.01):
                    started = time.monotonic()
                    other.execute("UPDATE accounts_user SET is_active = is_active")
                    waits.append(time.monotonic() - started)

        def migrate():
            with connection.cursor() as cursor:
                cursor.execute("ALTER TABLE accounts_user RENAME CONSTRAINT accounts_user_pkey TO accounts_user_pkey2")
                cursor.execute("ALTER TABLE accounts_user RENAME CONSTRAINT accounts_user_pkey2 TO accounts_user_pkey")

        def say(attempt):
            told.append(attempt)
            if attempt == 2:
                release.set()
                threads[0].join()

        with connection.cursor() as cursor:
            cursor.execute("SHOW lock_timeout")
            before = cursor.fetchone()
        threads = [threading.Thread(target=report), threading.Thread(target=others)]
        threads[0].start()
        assert locked.wait(60)
        threads[1].start()
        try:
            with busy.Lateness() as lateness:
                migration_locks.until_locks_are_free(migrate, waiting=say)
        finally:
            ended.set()
            release.set()
            threads[1].join()
        assert told == [1, 2]
        assert max(waits) > 0.5, "the migration waited for no lock"
        assert max(waits) < migration_locks.LOCK_TIMEOUT_MS / 1000 + 0.5 + lateness.allowance
        with connection.cursor() as cursor:
            cursor.execute("SHOW lock_timeout")
            assert cursor.fetchone() == before

    def test_does_not_repeat_what_fails_for_another_reason(self):
        told = []

        def fail():
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")

        with pytest.raises(migration_locks.OperationalError):
            migration_locks.until_locks_are_free(fail, waiting=told.append)
        assert told == []
        connection.close()
