"""Events of long ago, with the ids that they would have had then."""

from datetime import UTC, datetime, timedelta

from django.db import connection, transaction
from django.utils import timezone

from security_events.event_cte import AppendedEvent, append_sql
from security_events.services import partitions

_INSERT = """
WITH moments AS (
    SELECT %(event_now)s::timestamptz + number * interval '1 second' AS at FROM generate_series(1, %(count)s) AS number
), event AS ({append})
SELECT 1
"""
_STATEMENT = _INSERT.format(
    append=append_sql(
        source="moments",
        columns={
            "id": "overlay(security_events_uuid7()::text "
            "placing left(security_events_smallest_id(at)::text, 13) from 1)::uuid",
            "occurred_at": "at",
        },
    )
)


def days_ago(days):
    return timezone.now() - timedelta(days=days)


def record_old(event_type, *, at, count=1, has_partition=True, **details):
    """Record events one second apart from a moment on, in the partition of their month or in the default one."""
    if has_partition:
        partitions_of(at)
    event = AppendedEvent(event_type, now=at, **details)
    with connection.cursor() as cursor:
        cursor.execute(_STATEMENT, {**event.params, "count": count})


def partitions_of(at):
    """Make the partition of a month, as there was one then."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT security_events_make_partition(%s::date)", [f"{at:%Y-%m-%d}"])


def month_of(at):
    return datetime(at.year, at.month, 1, tzinfo=UTC)


def drop_old_partitions():
    """Remove the empty partitions of former months, which tests have made."""
    this_month = month_of(timezone.now())
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname FROM pg_inherits JOIN pg_class ON oid = inhrelid WHERE inhparent = %s::regclass "
            "AND relname ~ '\\d{4}_\\d{2}$' AND relname < %s",
            [partitions.PARENT, f"{partitions.PARENT}_{this_month:%Y_%m}"],
        )
        for (name,) in cursor.fetchall():
            cursor.execute(f"DROP TABLE {name}")


def delete_all_events():
    """Delete what fixtures have recorded, as retention does."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("INSERT INTO security_events_retention_permit VALUES (pg_current_xact_id())")
        cursor.execute("DELETE FROM security_events_event")
        cursor.execute("DELETE FROM security_events_retention_permit")
