"""Rows are only ever added: the database itself refuses everything else."""

import pytest
from django.db import connection, transaction

from accounts.event_types import LOGIN_SUCCEEDED
from security_events.models import SecurityEvent
from security_events.services import partitions
from security_events.services.recording import record

pytestmark = pytest.mark.django_db

PARENT = "security_events_event"
DEFAULT = "security_events_event_default"


@pytest.fixture
def partition(now):
    partitions.ensure(now=now)
    return f"{PARENT}_{now:%Y_%m}"


@pytest.fixture
def event_id(now, partition):
    return record(LOGIN_SUCCEEDED, now=now)


@pytest.fixture
def stray_id(now):
    return record(LOGIN_SUCCEEDED, now=now.replace(year=1999))


def execute(sql, *parameters):
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)


class TestUpdate:
    def test_is_refused_on_the_table(self, refused, event_id):
        with refused():
            SecurityEvent.objects.filter(id=event_id).update(outcome="failure")

    def test_is_refused_on_a_partition(self, refused, event_id, partition):
        with refused():
            execute(f"UPDATE {partition} SET outcome = 'failure' WHERE id = %s", event_id)

    def test_is_refused_on_the_default_partition(self, refused, stray_id):
        with refused():
            execute(f"UPDATE {DEFAULT} SET outcome = 'failure' WHERE id = %s", stray_id)

    def test_is_refused_when_it_would_move_the_row_to_another_month(self, refused, event_id):
        with refused():
            execute(f"UPDATE {PARENT} SET occurred_at = '1999-01-01' WHERE id = %s", event_id)

    def test_is_refused_as_an_upsert(self, refused, event_id, now):
        with refused():
            execute(
                f"INSERT INTO {PARENT} SELECT * FROM {PARENT} WHERE id = %s "
                "ON CONFLICT (id, occurred_at) DO UPDATE SET outcome = 'failure'",
                event_id,
            )


class TestDelete:
    def test_is_refused_on_the_table(self, refused, event_id):
        with refused():
            SecurityEvent.objects.filter(id=event_id).delete()

    def test_is_refused_on_a_partition(self, refused, event_id, partition):
        with refused():
            execute(f"DELETE FROM {partition} WHERE id = %s", event_id)

    def test_is_refused_on_the_default_partition(self, refused, stray_id):
        with refused():
            execute(f"DELETE FROM {DEFAULT} WHERE id = %s", stray_id)

    def test_is_refused_to_an_instance(self, refused, event_id):
        with refused():
            SecurityEvent.objects.get(id=event_id).delete()


class TestTruncate:
    @pytest.mark.parametrize("options", ["", " CASCADE"])
    def test_is_refused_on_the_table(self, refused, event_id, options):
        with refused():
            execute(f"TRUNCATE {PARENT}{options}")

    def test_is_refused_on_each_partition(self, refused, event_id):
        with connection.cursor() as cursor:
            cursor.execute("SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = %s::regclass", [PARENT])
            names = [name for (name,) in cursor.fetchall()]
        assert DEFAULT in names
        assert len(names) >= 5

        for name in names:
            with refused():
                execute(f"TRUNCATE {name}")


class TestReplicationRole:
    """Triggers of the usual kind don't fire for a session that says it is replaying another server's changes."""

    @pytest.mark.parametrize(
        "change", ["UPDATE {table} SET outcome = 'failure'", "DELETE FROM {table}", "TRUNCATE {table}"]
    )
    @pytest.mark.parametrize("place", ["table", "partition", "default"])
    @pytest.mark.usefixtures("event_id", "stray_id")
    def test_does_not_open_the_table(self, refused, partition, change, place):
        table = {"table": PARENT, "partition": partition, "default": DEFAULT}[place]
        with transaction.atomic():
            execute("SET LOCAL session_replication_role = replica")
            with refused():
                execute(change.format(table=table))
