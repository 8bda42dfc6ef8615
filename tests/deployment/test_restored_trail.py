"""A dump that is restored in another cluster: the trail goes on without a gap, a repeated or a late event."""

import json
import os
import subprocess

import psycopg
import pytest

from tests.deployment import roles
from tests.deployment.test_production_page import at
from tests.programs import forked_programs, served

_RECORD = """
from cedrina.event_types import JOB_CANCELLED
from security_events.services import recording
for name in {names}:
    recording.record(JOB_CANCELLED, data={{"task": name}})
"""
_READ = """
import json
from uuid import UUID
from security_events.selectors.trail import TrailPosition, events_after
read = events_after(TrailPosition({transaction_id}, UUID("{event_id}")), limit=1000)
named = [(*each.position, each.form["data"].get("task", each.form["type"])) for each in read]
print(json.dumps(named, default=str))
"""
# What a cluster does in some months.
_LIVE = "DO $$ BEGIN FOR n IN 1..20000 LOOP PERFORM pg_current_xact_id(); COMMIT; END LOOP; END $$"
START = (0, "00000000-0000-0000-0000-000000000000")


class Installation:
    """A database, by the roles that serve and that own it."""

    def __init__(self, *, serving, owner=""):
        given = {"DATABASE_URL": serving, **({"DATABASE_MIGRATION_URL": owner} if owner else {})}
        self.environment = served.environment(**given, CEDRINA_ENV="development", LOG_LEVEL="ERROR")

    def manage(self, *arguments):
        return served.manage(*arguments, environment=self.environment)

    def shell(self, code):
        return self.manage("shell", "--verbosity=0", "-c", code)

    def record(self, *names):
        self.shell(_RECORD.format(names=names))

    def read(self, position=START):
        """Return (transaction, id, name) of the events behind a position."""
        printed = self.shell(_READ.format(transaction_id=position[0], event_id=position[1]))
        return [tuple(row) for row in json.loads(printed.splitlines()[-1])]

    def seal(self):
        return json.loads(self.manage("seal_audit_trail", "--json"))


@pytest.fixture(scope="module")
def clusters(tmp_path_factory):
    """Give a database that has lived for a while, and a new cluster beside it."""
    with served.database() as url, roles.two_roles(tmp_path_factory.mktemp("roles")) as other:
        with psycopg.connect(_libpq(url), autocommit=True) as connection:
            connection.execute(_LIVE)
        yield Installation(serving=url), url, other


def restore(url, other, *, folder):
    """Copy a database into another cluster, as docs/production.md says."""
    path = f"{other.server._binaries.directory}:{os.environ['PATH']}"
    dump = folder / "dump"
    with psycopg.connect(other.superuser, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE restored OWNER {roles.OWNER}")
        connection.execute(f"GRANT CONNECT, TEMPORARY ON DATABASE restored TO {roles.SERVING}")
    serving, owner = (at(each, "restored") for each in (other.serving, other.owner))
    for command in (
        ["pg_dump", "--format=custom", "--no-owner", "--no-privileges", f"--file={dump}", _libpq(url)],
        ["pg_restore", "--no-owner", "--no-privileges", f"--dbname={_libpq(owner)}", str(dump)],
    ):
        done = subprocess.run(command, env={**os.environ, "PATH": path}, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    return Installation(serving=serving, owner=owner), Installation(serving=owner)


def _libpq(url):
    return url.replace("postgres://", "postgresql://", 1)


class TestATrailInANewCluster:
    def test_goes_on(self, clusters, tmp_path):
        former, url, other = clusters
        former.record("first", "second")
        sealed = former.seal()
        former.record("unsealed")
        before = former.read()
        cursor = next(row for row in before if row[2] == "second")[:2]

        restored, as_owner = restore(url, other, folder=tmp_path)
        as_owner.record("early", "too early")  # before anybody has migrated
        assert [row[2] for row in as_owner.read(cursor)] == []
        assert "security_events.W003" in _checked(as_owner)
        restored.manage("grant_serving_role", "--json")
        restored.manage("migrate", "--no-input", "--verbosity=0")
        restored.record("late")

        assert "security_events.W003" not in _checked(restored)
        read = restored.read()
        assert read == sorted(read)
        assert read[: len(before)] == before
        assert [row[2] for row in read[len(before) :]] == [
            "early",
            "too early",
            "trail.continued_after_restore",
            "late",
        ]
        behind = [row for row in before if row[:2] > cursor]
        assert restored.read(cursor) == [*behind, *read[len(before) :]]
        assert sealed["size"] < restored.seal()["size"] == len(read)
        assert restored.seal()["events"] == 0


def _checked(installation):
    arguments = ["manage.py", "check", "--database", "default", "--tag", "database"]
    code, out, err = forked_programs.run(arguments, environment=installation.environment)
    assert code == 0, err
    return out + err
