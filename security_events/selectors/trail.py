"""Read events in the order of the trail: that of their transactions, and of their ids inside one.

An event is visible here once all transactions of the database that began before its own have ended. So no event ever
appears before one that was read already, and a reader that remembers one position reads each event once.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple
from uuid import UUID

from cedrina_base.prepared_statements import prepared_cursor
from security_events.event_form import EVENT_COLUMNS, event_form

_AFTER = f"""
SELECT event.transaction_id, {EVENT_COLUMNS}
FROM security_events_event event
WHERE (event.transaction_id, event.id) > (%(transaction_id)s, %(event_id)s)
  AND event.transaction_id < (SELECT security_events_oldest_transaction())
ORDER BY event.transaction_id, event.id LIMIT %(limit)s
"""  # noqa: S608 - parts of our own


class TrailPosition(NamedTuple):
    """Where an event stands in the trail."""

    transaction_id: int
    event_id: UUID


START = TrailPosition(0, UUID(int=0))
_LAST_ID = UUID(int=2**128 - 1)


class TrailEvent(NamedTuple):
    """An event in its public form, and where it stands."""

    position: TrailPosition
    form: dict[str, Any]


def end_of_trail() -> TrailPosition:
    """Return the position behind all events that can be read now. Events that are committed later stand behind it."""
    with prepared_cursor() as cursor:
        cursor.execute("SELECT security_events_oldest_transaction() - 1")
        return TrailPosition(cursor.fetchone()[0], _LAST_ID)


def events_after(position: TrailPosition, *, limit: int) -> Sequence[TrailEvent]:
    """Return the next events behind a position, in the order of the trail."""
    with prepared_cursor() as cursor:
        cursor.execute(_AFTER, {**position._asdict(), "limit": limit})
        rows = cursor.fetchall()
    return [TrailEvent(TrailPosition(row[0], row[1]), event_form(row[1:])) for row in rows]
