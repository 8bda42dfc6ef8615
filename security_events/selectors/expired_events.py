"""Find events that have expired."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

from django.db import connection

_MONTHS = """
SELECT to_date(substring(relname FROM '\\d{4}_\\d{2}$'), 'YYYY_MM')
FROM pg_inherits JOIN pg_class ON oid = inhrelid
WHERE inhparent = 'security_events_event'::regclass AND relname ~ '^security_events_event_\\d{4}_\\d{2}$' ORDER BY 1
"""
# Each type of events is found by one probe of its index, whatever the number of events.
_CATEGORIES = """
WITH RECURSIVE kinds (type) AS (
    SELECT min(type) FROM security_events_event
    UNION ALL
    SELECT (SELECT min(type) FROM security_events_event WHERE type > kinds.type) FROM kinds WHERE kinds.type IS NOT NULL
)
SELECT DISTINCT (SELECT category FROM security_events_event event WHERE event.type = kinds.type LIMIT 1)
FROM kinds WHERE kinds.type IS NOT NULL
"""
_EXPIRES = "LEAST(%(now)s, now()) - make_interval(days => security_events_retention_days(event.category, %(terms)s))"
_IS_SEALED = """(event.transaction_id, event.id) <= (
    SELECT transaction_id, events_to FROM security_events_trail_checkpoint ORDER BY size DESC LIMIT 1
)"""
_IS_MONTH_EXPIRED = f"""
SELECT NOT EXISTS (
    SELECT FROM security_events_event event
    WHERE event.occurred_at >= %(begins)s AND event.occurred_at < %(ends)s
      AND (COALESCE(event.occurred_at >= {_EXPIRES}, true) OR ({_IS_SEALED}) IS NOT TRUE)
)
"""  # noqa: S608 - parts of our own
_COUNTS = """
SELECT category, count(*), min(occurred_at), max(occurred_at) FROM security_events_event event
WHERE occurred_at >= %(begins)s AND occurred_at < %(ends)s GROUP BY category
"""
_EXPIRED_OF_CATEGORY = f"""
SELECT count(*), min(event.occurred_at), max(event.occurred_at) FROM security_events_event event
WHERE event.category = %(category)s AND event.occurred_at < {_EXPIRES} AND ({_IS_SEALED})
"""  # noqa: S608 - parts of our own


class ExpiredEvents(NamedTuple):
    """How many events of a category there are, and between which times they occurred."""

    category: str
    events: int
    oldest_at: datetime | None
    newest_at: datetime | None


def partition_months() -> Sequence[date]:
    """Return the first days of the months that have a partition, the earliest first."""
    with connection.cursor() as cursor:
        cursor.execute(_MONTHS)
        return [month for (month,) in cursor.fetchall()]


def categories_in_trail() -> set[str]:
    """Return the categories of all events that there are."""
    with connection.cursor() as cursor:
        cursor.execute(_CATEGORIES)
        return {category for (category,) in cursor.fetchall()}


def events_of_expired_month(month: date, *, terms: str, now: datetime) -> Sequence[ExpiredEvents] | None:
    """Return what there is in a month, by category; ``None`` if some of it is kept still.

    ``terms``: see ``services.retention.terms.as_json``.
    """
    begins = datetime(month.year, month.month, 1, tzinfo=UTC)
    parameters: dict[str, datetime | str] = {"begins": begins, "ends": _month_after(begins), "terms": terms, "now": now}
    with connection.cursor() as cursor:
        cursor.execute(_IS_MONTH_EXPIRED, parameters)
        if not cursor.fetchone()[0]:
            return None
        cursor.execute(_COUNTS, parameters)
        return [ExpiredEvents._make(row) for row in cursor.fetchall()]


def expired_events_of(category: str, *, terms: str, now: datetime) -> ExpiredEvents:
    """Return the sealed events of a category that have expired."""
    with connection.cursor() as cursor:
        cursor.execute(_EXPIRED_OF_CATEGORY, {"category": category, "terms": terms, "now": now})
        return ExpiredEvents(category, *cursor.fetchone())


def indexes_of_purged_events() -> Mapping[str, str]:
    """Return the leaves of events that retention has deleted, by the id of the purge, as multiranges in SQL's form."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT id::text, leaves::text FROM security_events_retention_purge ORDER BY id")
        return dict(cursor.fetchall())


def _month_after(begins: datetime) -> datetime:
    return (begins + timedelta(days=32)).replace(day=1)
