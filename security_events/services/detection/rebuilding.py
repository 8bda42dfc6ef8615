"""Make the facts of the past again from the trail, as for a rule that looks at types of events that none looked at."""

from collections.abc import Callable, Sequence
from datetime import datetime

from django.db import connection, transaction

from security_events.detection import rules
from security_events.selectors.trail import TrailEvent, TrailPosition, end_of_trail, events_after, position_before
from security_events.services.detection import erasure, facts

_BATCH = 2000
_COUNT = "SELECT count(*) FROM security_events_event WHERE occurred_at >= %s AND type = ANY(%s)"


def rebuild(*, since: datetime, progress: Callable[[int, int], None] | None = None) -> int:
    """Store the facts of events since a time that are not stored; return how many facts there are of these events.

    The rules are not asked about them. Safe to interrupt and to run again, also beside a worker. ``progress`` is called
    with the transactions done and their number.
    """
    rules.load()
    end = end_of_trail()
    start = position = position_before(since) or end
    made = 0
    while events := _next(position, end):
        with transaction.atomic():
            found = facts.facts_of(events)
            facts.insert(found)
            erasure.forget_erased_in(events)
        made += len(found)
        position = events[-1].position
        if progress:
            progress(position.transaction_id - start.transaction_id, end.transaction_id - start.transaction_id)
    return made


def count(*, since: datetime) -> int:
    """Return how many events since a time some rule looks at."""
    rules.load()
    with connection.cursor() as cursor:
        cursor.execute(_COUNT, [since, sorted(facts.watched_types())])
        number: int = cursor.fetchone()[0]
    return number


def _next(position: TrailPosition, end: TrailPosition) -> Sequence[TrailEvent]:
    return [event for event in events_after(position, limit=_BATCH) if event.position <= end]
