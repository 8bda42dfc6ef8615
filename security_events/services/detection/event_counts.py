"""Count events by the minute, so that an hour of figures costs a few rows, however many events it had."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from django.db import connection

from cedrina_base.prepared_statements import prepared_cursor
from security_events.selectors.trail import TrailEvent

KEPT = timedelta(hours=25)
# A summary can't have more, and a column can't hold more than this for all of them.
_LARGEST = 2**31 - 1
_LONGEST_KEY = 64
_REFUSED = "ratelimit.refused"

_COUNT = """
INSERT INTO security_events_eventcount AS known (minute, series, key, number)
SELECT * FROM unnest(%(minutes)s::timestamptz[], %(series)s::text[], %(keys)s::text[], %(numbers)s::bigint[])
ON CONFLICT (minute, series, key) DO UPDATE SET number = known.number + EXCLUDED.number
"""
_PURGE = "DELETE FROM security_events_eventcount WHERE minute < %s"


class Series(StrEnum):
    """What is counted. Each has few keys: what clients send makes none."""

    TYPE = "type"  # by the type of the event
    POLICY = "policy"  # refused requests, by the policy that refused them
    RISK = "risk"  # sign-ins, by their risk in tens


def count(events: Sequence[TrailEvent], *, now: datetime) -> None:
    """Count events, in the caller's transaction, by one statement. Those that are older than ``KEPT`` are left out."""
    counts: Counter[tuple[datetime, str, str]] = Counter()
    for event in events:
        for minute, series, key, number in _counted(event.form):
            if minute >= now - KEPT:
                counts[minute, series, key] += number
    if not counts:
        return
    rows = sorted(counts)  # in one order, so that two transactions never wait for each other
    parameters: dict[str, Any] = {
        "minutes": [minute for minute, _, _ in rows],
        "series": [series for _, series, _ in rows],
        "keys": [key for _, _, key in rows],
        "numbers": [counts[row] for row in rows],
    }
    with prepared_cursor() as cursor:
        cursor.execute(_COUNT, parameters)


def purge(*, now: datetime) -> int:
    """Delete the counts that are older than ``KEPT``; return how many."""
    with connection.cursor() as cursor:
        cursor.execute(_PURGE, [now - KEPT])
        deleted: int = cursor.rowcount
    return deleted


def _counted(form: Mapping[str, Any]) -> Iterator[tuple[datetime, str, str, int]]:
    data = form["data"]
    minute = _minute(data.get("since") if "repeats" in data else None) or _minute(form["occurred_at"])
    if minute is None:
        return
    times = _number(data.get("repeats"))
    yield minute, Series.TYPE, form["type"], times
    if form["type"] == _REFUSED and isinstance(policy := data.get("policy"), str):
        yield minute, Series.POLICY, policy[:_LONGEST_KEY], _number(data.get("refusals"))
    if "risk" in data and isinstance(score := form["risk_score"], int):
        yield minute, Series.RISK, str(min(90, score // 10 * 10)), times


def _minute(text: object) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text) if isinstance(text, str) else None
        return moment.astimezone(UTC).replace(second=0, microsecond=0) if moment and moment.tzinfo else None
    except (ValueError, OverflowError):  # no time, or one before the first that there is
        return None


def _number(value: object) -> int:
    return max(1, min(_LARGEST, value)) if isinstance(value, int) else 1
