"""Delete the events whose term is over.

A month is dropped with its partition as soon as everything in it has expired. Categories with a shorter term are
deleted event by event. Only sealed events are deleted. Their leaves stay in the tree, so that the trail stays
verifiable, and an event of the same transaction says what was deleted, and how many.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.db import OperationalError, connection, transaction
from psycopg.errors import LockNotAvailable

from security_events import event_types
from security_events.catalogue import CATALOGUE
from security_events.selectors import expired_events
from security_events.services import recording
from security_events.services.retention import incidents
from security_events.services.retention.terms import LEAVES, Terms, as_json, effective_terms, length

BATCH = 10_000
# Events of the longest term wait for the end of their month. Those in the default partition, which is never dropped,
# are deleted so many days after their term.
_DAYS_AFTER_LONGEST_TERM = 62

_PURGE_CATEGORY = "SELECT * FROM security_events_purge_category(%s, %s::jsonb, %s, %s, %s)"
_PURGE_MONTH = "SELECT * FROM security_events_purge_month(%s, %s::jsonb, %s)"
_PRUNE_LEAVES = """
SELECT pruned, (SELECT min(leaf_index) FROM security_events_trail_leaf)
FROM security_events_prune_leaves(%s::jsonb, %s, %s) AS pruned
"""


@dataclass(slots=True)
class PurgeReport:
    """What was deleted, or would be.

    ``busy`` are months whose partition was in use; they are dropped by a later run.
    """

    events: int = 0
    months: list[date] = field(default_factory=list)
    categories: dict[str, int] = field(default_factory=dict)
    leaves: int = 0
    incidents: int = 0
    busy: list[date] = field(default_factory=list)

    def add(self, category: str, events: int) -> None:
        """Count events of a category."""
        self.events += events
        if events:
            self.categories[category] = self.categories.get(category, 0) + events


class _PurgedBatch(NamedTuple):
    purge_id: UUID | None
    events: int
    last_id: UUID | None
    oldest_at: datetime | None
    newest_at: datetime | None
    digest: str | None


def purge(*, now: datetime, progress: Callable[[int], None] | None = None) -> PurgeReport:
    """Delete what has expired.

    Each month and each batch is a transaction of its own, so an interrupted run loses nothing. ``progress`` is called
    with the number of events deleted so far.
    """
    report = PurgeReport()
    show = progress or (lambda _done: None)
    terms = effective_terms(_categories())
    for month in expired_events.partition_months():
        _purge_month(month, terms, report, now=now)
        show(report.events)
    for category, asked in _row_terms(terms).items():
        for events in _purge_category(category, asked, now=now):
            report.add(category, events)
            show(report.events)
    if terms[LEAVES] is not None:
        report.leaves = _prune_leaves(terms, now=now)
    report.incidents = incidents.purge(now=now)
    return report


def preview(*, now: datetime) -> PurgeReport:
    """Return what ``purge`` would delete, except leaves and incidents, and change nothing."""
    report = PurgeReport()
    terms = effective_terms(_categories())
    in_months: dict[str, int] = {}
    for month in expired_events.partition_months():
        found = expired_events.events_of_expired_month(month, terms=as_json(terms), now=now)
        if found:
            report.months.append(month)
            for each in found:
                report.add(each.category, each.events)
                in_months[each.category] = in_months.get(each.category, 0) + each.events
    for category, asked in _row_terms(terms).items():
        expired = expired_events.expired_events_of(category, terms=as_json(asked), now=now)
        report.add(category, max(0, expired.events - in_months.get(category, 0)))
    return report


def _categories() -> Collection[str]:
    return {str(each.category) for each in CATALOGUE.values()} | expired_events.categories_in_trail()


def _row_terms(terms: Terms) -> Mapping[str, Terms]:
    """Return, by category, the terms by which its events are deleted one by one."""
    categories = {name: days for name, days in terms.items() if name[0].isalnum()}
    longest = max(map(length, categories.values()))
    extra = {name: _DAYS_AFTER_LONGEST_TERM if length(days) == longest else 0 for name, days in categories.items()}
    return {name: {**terms, name: days + extra[name]} for name, days in sorted(categories.items()) if days is not None}


def _purge_month(month: date, terms: Terms, report: PurgeReport, *, now: datetime) -> None:
    counts = expired_events.events_of_expired_month(month, terms=as_json(terms), now=now)
    if counts is None:
        return
    try:
        with transaction.atomic():
            row = _call(_PURGE_MONTH, [month, as_json(terms), now])
            if row is None:
                return
            purge_id, events, oldest_at, newest_at, digest = row
            if events:
                purged = _PurgedBatch(purge_id, events, None, oldest_at, newest_at, digest)
                _record(purged, {"month": f"{month:%Y-%m}"}, now=now)
    except OperationalError as error:
        if not isinstance(error.__cause__, LockNotAvailable):
            raise
        report.busy.append(month)
        return
    report.months.append(month)
    for each in counts:
        report.add(each.category, each.events)


def _purge_category(category: str, terms: Terms, *, now: datetime) -> Any:
    """Delete batch by batch; yield the number of events of each."""
    after = UUID(int=0)
    while True:
        with transaction.atomic():
            row = _call(_PURGE_CATEGORY, [category, as_json(terms), now, after, BATCH])
            batch = _PurgedBatch._make(row) if row else None
            if batch and batch.events:
                _record(batch, {"category": category}, now=now)
        if not batch or not batch.last_id:
            return
        after = batch.last_id
        yield batch.events


def _prune_leaves(terms: Terms, *, now: datetime) -> int:
    pruned = 0
    while True:
        with transaction.atomic():
            count, below = _call(_PRUNE_LEAVES, [as_json(terms), now, BATCH])
            if count:
                recording.record(event_types.LEAVES_PRUNED, data={"leaves": count, "below": below}, now=now)
        if not count:
            return pruned
        pruned += count


def _record(batch: _PurgedBatch, what: Mapping[str, str], *, now: datetime) -> None:
    recording.record(
        event_types.EVENTS_PURGED,
        data={
            **what,
            "purge": str(batch.purge_id),
            "events": batch.events,
            "oldest_at": batch.oldest_at and batch.oldest_at.isoformat(),
            "newest_at": batch.newest_at and batch.newest_at.isoformat(),
            "leaves_sha256": batch.digest,
        },
        now=now,
    )


def _call(statement: str, parameters: list[Any]) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return cursor.fetchone()
