"""Create the monthly partitions of the table of events ahead of time."""

from datetime import UTC, datetime

from django.db import connection, transaction

from security_events.conf import security_event_settings

PARENT = "security_events_event"


def is_installed() -> bool:
    """Say whether the function that creates partitions exists: after migration 0003."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regprocedure('security_events_make_partition(date)') IS NOT NULL")
        (exists,) = cursor.fetchone()
    return bool(exists)


def ensure(*, now: datetime) -> list[str]:
    """Create the missing partitions of this month and the next ``PARTITIONS_AHEAD`` months; return their names.

    Safe to run at any time, in several processes at once, and as a role that owns nothing: a function of the table's
    owner creates them. Events of a month without a partition go to the default partition, so that none is lost.
    """
    months = [_month_after(now.astimezone(UTC), ahead) for ahead in range(security_event_settings.PARTITIONS_AHEAD + 1)]
    existing = _existing()
    missing = [month for month in months if _name(month) not in existing]
    if not missing:
        return []
    with transaction.atomic():
        return [_name(month) for month in missing if _make(month)]


def _make(month: datetime) -> bool:
    """Create a partition; ``False`` if another process did, or the default partition holds events of that month."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT security_events_make_partition(%s::date)", [f"{month:%Y-%m-%d}"])
        (is_new,) = cursor.fetchone()
    return bool(is_new)


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
