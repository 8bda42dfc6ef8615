"""Read events for a SIEM, in the order of the trail, so that a reader misses none and gets none twice."""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from django.db.models import BooleanField, QuerySet
from django.db.models.expressions import RawSQL

from cedrina_base.prepared_statements import prepared_cursor
from security_events.event_form import event_form
from security_events.models import SecurityEvent
from security_events.selectors.event_filters import SLACK, WINDOW, EventFilter, first_id
from security_events.selectors.event_pages import form_values
from security_events.selectors.trail import TrailEvent, TrailPosition, events_after, leave_out_others

_CURSOR = re.compile(r"(0|[1-9][0-9]{0,18})\.([0-9a-f]{32})")
_LARGEST = 2**63 - 1  # of a bigint
_TRANSACTION = RawSQL("transaction_id", ())


class TrailPage(NamedTuple):
    """Some events, and the position to go on behind: that of the last event, or beyond it if no more of a filter came.

    The reader is up to date when the position is the one that it asked with.
    """

    events: Sequence[TrailEvent]
    next: TrailPosition


def cursor_of(position: TrailPosition) -> str:
    """Return a position as text for clients."""
    return f"{position.transaction_id}.{position.event_id.hex}"


def position_of(cursor: str) -> TrailPosition | None:
    """Return the position that a text stands for; ``None`` if it is no cursor."""
    found = _CURSOR.fullmatch(cursor)
    if found is None or int(found[1]) > _LARGEST:
        return None
    return TrailPosition(int(found[1]), UUID(hex=found[2]))


def events_behind(position: TrailPosition, wanted: EventFilter, *, limit: int) -> TrailPage:
    """Return the next events behind a position that a filter keeps.

    At most ``WINDOW`` events are looked at: the page may have fewer events than ``limit``, or none, although more
    follow. With ``since`` or ``until``, what a transaction wrote that was open for more than a day around that moment
    may be left out.
    """
    if wanted.is_empty():
        events = events_after(position, limit=limit)
        return TrailPage(events, events[-1].position if events else position)
    with prepared_cursor() as cursor:
        leave_out_others(cursor)
    start = max(position, _last_before(wanted.since) or position)
    rows = _committed_behind(start)
    if wanted.until and (end := _first_after(wanted.until)):
        rows = rows.filter(_compared("<=", end))
    last_of_window = _positions(rows)[WINDOW - 1 : WINDOW].first()
    if last_of_window is not None:
        rows = rows.filter(_compared("<=", TrailPosition(*last_of_window)))
    values = form_values(rows.filter(wanted.condition()), _TRANSACTION)[:limit]
    events = [TrailEvent(TrailPosition(row[0], row[1]), event_form(row[1:])) for row in values]
    if len(events) < limit and last_of_window is not None:
        return TrailPage(events, TrailPosition(*last_of_window))
    return TrailPage(events, events[-1].position if events else start)


def _committed_behind(position: TrailPosition) -> QuerySet[SecurityEvent]:
    is_ended = RawSQL("transaction_id < (SELECT security_events_oldest_transaction())", (), BooleanField())
    return SecurityEvent.objects.filter(_compared(">", position), is_ended).order_by(_TRANSACTION, "pk")


def _compared(operator: str, position: TrailPosition) -> RawSQL:
    """Return a comparison of rows: the index of (transaction_id, id) serves it, unlike two conditions with OR."""
    sql = f"(transaction_id, id) {operator} (%s, %s)"
    return RawSQL(sql, tuple(position), BooleanField())  # noqa: S611 - the operator is our own


def _positions(rows: QuerySet[SecurityEvent]) -> QuerySet[SecurityEvent, tuple[int, UUID]]:
    return rows.values_list(_TRANSACTION, "pk")


def _last_before(since: datetime | None) -> TrailPosition | None:
    """Return the position of the last event that is surely older; all events behind ``since`` stand behind it.

    A transaction with a lower number began before that event was written, a day before ``since``.
    """
    if since is None:
        return None
    found = _positions(SecurityEvent.objects.filter(pk__lt=first_id(since - SLACK)).order_by("-pk")).first()
    return TrailPosition(*found) if found else None


def _first_after(until: datetime) -> TrailPosition | None:
    """Return the position of the first event that is surely younger, likewise."""
    found = _positions(SecurityEvent.objects.filter(pk__gte=first_id(until + SLACK)).order_by("pk")).first()
    return TrailPosition(*found) if found else None
