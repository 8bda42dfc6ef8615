"""Read events in the order of the trail: that of their transactions, and of their ids inside one.

An event is visible here once all transactions of the database that began before its own have ended. So no event ever
appears before one that was read already, and a reader that remembers one position reads each event once.
"""

import time
from collections.abc import Sequence
from datetime import datetime
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

_ONE = f"SELECT {EVENT_COLUMNS} FROM security_events_event event WHERE event.id = %(event_id)s"  # noqa: S608 - parts of our own
# Events of one transaction may bear different times; the position stands before the whole transaction.
_BEFORE = """
SELECT transaction_id - 1 FROM security_events_event WHERE occurred_at >= %(since)s ORDER BY transaction_id LIMIT 1
"""


class TrailPosition(NamedTuple):
    """Where an event stands in the trail."""

    transaction_id: int
    event_id: UUID


# Seconds between looks at the transactions that run. One look is enough, unless some begin or end in that moment. Those
# that were ending are gone at the second one; one that begins takes its lock as soon as its process has a CPU.
_PAUSES = (0, 0.001, 0.002, 0.004, 0.008, 0.016)
START = TrailPosition(0, UUID(int=0))
_LAST_ID = UUID(int=2**128 - 1)


class TrailEvent(NamedTuple):
    """An event in its public form, and where it stands."""

    position: TrailPosition
    form: dict[str, Any]


def leave_out_others(cursor: Any) -> None:
    """Let the next statement of a session wait for no transaction of another database: see migrations 0006 and 0019."""
    first_unused = None
    for pause in _PAUSES:
        cursor.execute("SELECT * FROM security_events_leave_out_others(%s)", [first_unused])
        unknown, next_number = cursor.fetchone()
        if not unknown:
            return
        first_unused = first_unused or next_number
        time.sleep(pause)


def end_of_trail() -> TrailPosition:
    """Return the position behind all events that can be read now. Events that are committed later stand behind it."""
    with prepared_cursor() as cursor:
        leave_out_others(cursor)
        cursor.execute("SELECT security_events_oldest_transaction() - 1")
        return TrailPosition(cursor.fetchone()[0], _LAST_ID)


def position_before(since: datetime) -> TrailPosition | None:
    """Return a position with all events behind it that occurred since a time; ``None`` if there are none.

    Events that occurred a little earlier may stand behind it, too: the order of the trail is that of transactions.
    """
    with prepared_cursor() as cursor:
        cursor.execute(_BEFORE, {"since": since})
        row = cursor.fetchone()
    return None if row is None else TrailPosition(row[0], _LAST_ID)


def form_of(event_id: UUID) -> dict[str, Any] | None:
    """Return one event in its public form; ``None`` if there is none (any more)."""
    with prepared_cursor() as cursor:
        cursor.execute(_ONE, {"event_id": event_id})
        row = cursor.fetchone()
    return None if row is None else event_form(row)


def events_after(position: TrailPosition, *, limit: int) -> Sequence[TrailEvent]:
    """Return the next events behind a position, in the order of the trail."""
    with prepared_cursor() as cursor:
        leave_out_others(cursor)
        cursor.execute(_AFTER, {**position._asdict(), "limit": limit})
        rows = cursor.fetchall()
    return [TrailEvent(TrailPosition(row[0], row[1]), event_form(row[1:])) for row in rows]
