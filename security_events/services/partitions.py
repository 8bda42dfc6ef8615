"""Keep a partition ready for every month that events may fall into."""

from datetime import UTC, datetime

from django.db import connection, transaction

from security_events.conf import security_event_settings

PARENT = "security_events_event"


def is_installed() -> bool:
    """Whether the function that makes partitions exists; it does not while only some migrations are applied."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regprocedure('security_events_make_partition(date)') IS NOT NULL")
        return bool(cursor.fetchone()[0])


def ensure(*, now: datetime) -> list[str]:
    """Create the missing partitions of this month and the following ones; return the names of those created.

    Safe to run at any time and from several processes, and by a role that owns nothing: a function of the table's owner
    does it. A month without a partition still loses nothing: the default partition takes its events.
    """
    months = [_month_after(now.astimezone(UTC), ahead) for ahead in range(security_event_settings.PARTITIONS_AHEAD + 1)]
    existing = _existing()
    missing = [month for month in months if _name(month) not in existing]
    if not missing:
        return []
    with transaction.atomic():
        return [_name(month) for month in missing if _make(month)]


def _make(month: datetime) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT security_events_make_partition(%s::date)", [f"{month:%Y-%m-%d}"])
        return bool(cursor.fetchone()[0])


def _name(month: datetime) -> str:
    return f"{PARENT}_{month:%Y_%m}"


def _month_after(now: datetime, count: int) -> datetime:
    years, month = divmod(now.month - 1 + count, 12)
    return datetime(now.year + years, month + 1, 1, tzinfo=UTC)


def _existing() -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname FROM pg_inherits JOIN pg_class ON oid = inhrelid WHERE inhparent = %s::regclass",
            [PARENT],
        )
        return {name for (name,) in cursor.fetchall()}
