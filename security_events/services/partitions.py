"""Keep a partition ready for every month that events may fall into."""

from datetime import UTC, datetime

from django.db import connection, transaction

from security_events.conf import security_event_settings

PARENT = "security_events_event"
_LOCK = 0x5EC0_0001  # an advisory lock of this module's own


def ensure(*, now: datetime) -> list[str]:
    """Create the missing partitions of this month and the following ones; return the names of those created.

    Safe to run at any time and from several processes. A month without a partition still loses nothing: the default
    partition takes its events.
    """
    months = [_month_after(now.astimezone(UTC), ahead) for ahead in range(security_event_settings.PARTITIONS_AHEAD + 1)]
    existing = _existing()
    if all(_name(month) in existing for month in months):
        return []
    created = []
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        existing = _existing()
        for month in months:
            if _name(month) not in existing and not _default_holds(month):
                cursor.execute(_create_sql(month))
                created.append(_name(month))
    return created


def _name(month: datetime) -> str:
    return f"{PARENT}_{month:%Y_%m}"


def _month_after(now: datetime, count: int) -> datetime:
    years, month = divmod(now.month - 1 + count, 12)
    return datetime(now.year + years, month + 1, 1, tzinfo=UTC)


def _existing() -> set[str]:
    # From the catalogue's tables, as to_regclass() may answer from what this connection remembers from before the lock.
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname FROM pg_inherits JOIN pg_class ON oid = inhrelid WHERE inhparent = %s::regclass",
            [PARENT],
        )
        return {name for (name,) in cursor.fetchall()}


def _default_holds(month: datetime) -> bool:
    """Whether events of the month went to the default partition already: they can't be moved, so they stay there."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT EXISTS (SELECT FROM {PARENT}_default WHERE occurred_at >= %s AND occurred_at < %s)",  # noqa: S608
            [month, _month_after(month, 1)],
        )
        return bool(cursor.fetchone()[0])


def _create_sql(month: datetime) -> str:
    # Row triggers come with the parent. TRUNCATE fires statement triggers of the named table alone.
    name = _name(month)
    return f"""
        CREATE TABLE {name} PARTITION OF {PARENT}
            FOR VALUES FROM ('{month:%Y-%m-%d} 00:00+00') TO ('{_month_after(month, 1):%Y-%m-%d} 00:00+00');
        CREATE TRIGGER append_only_truncate BEFORE TRUNCATE ON {name}
            FOR EACH STATEMENT EXECUTE FUNCTION security_events_refuse_change();
        ALTER TABLE {name} ENABLE ALWAYS TRIGGER append_only_truncate;
    """
