"""Read a part of the trail in windows of a bounded number of events, in the order of the trail.

A filter that few events pass must not make one statement read millions: a window ends after ``WINDOW`` events, whether
or not they pass.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple
from uuid import UUID

from cedrina_base.prepared_statements import prepared_cursor
from security_events.event_form import EVENT_COLUMNS, event_form
from security_events.selectors.trail import TrailEvent, TrailPosition

WINDOW = 500

_END = """
SELECT transaction_id, id FROM security_events_event
WHERE (transaction_id, id) > (%(after_transaction)s, %(after_id)s)
  AND (transaction_id, id) <= (%(until_transaction)s, %(until_id)s)
ORDER BY transaction_id, id OFFSET %(skipped)s LIMIT 1
"""
_BETWEEN = f"""
SELECT event.transaction_id, {EVENT_COLUMNS}
FROM security_events_event event
WHERE (event.transaction_id, event.id) > (%(after_transaction)s, %(after_id)s)
  AND (event.transaction_id, event.id) <= (%(until_transaction)s, %(until_id)s)
  AND (%(types)s::text[] IS NULL OR event.type = ANY(%(types)s))
  AND (%(severities)s::text[] IS NULL OR event.severity = ANY(%(severities)s))
ORDER BY event.transaction_id, event.id
"""  # noqa: S608 - parts of our own
_POSITION = "SELECT transaction_id, id FROM security_events_event WHERE id = %(event_id)s"


class EventWindow(NamedTuple):
    """Events behind a position. All that stand up to ``end`` and pass the filter are among them."""

    events: Sequence[TrailEvent]
    end: TrailPosition


def position_of(event_id: UUID) -> TrailPosition | None:
    """Return where an event stands in the trail; ``None`` if there is none (any more)."""
    with prepared_cursor() as cursor:
        cursor.execute(_POSITION, {"event_id": event_id})
        row = cursor.fetchone()
    return None if row is None else TrailPosition(*row)


def window_after(
    after: TrailPosition,
    *,
    until: TrailPosition,
    types: Sequence[str] | None = None,
    severities: Sequence[str] | None = None,
) -> EventWindow:
    """Return the events of the next ``WINDOW`` behind a position that have one of the types and severities.

    ``until`` must be a position up to which everything was visible once (``events_after``): nothing is added below it.
    """
    parameters: dict[str, Any] = {
        "after_transaction": after.transaction_id,
        "after_id": after.event_id,
        "until_transaction": until.transaction_id,
        "until_id": until.event_id,
        "skipped": WINDOW - 1,
        "types": None if types is None else list(types),
        "severities": None if severities is None else list(severities),
    }
    with prepared_cursor() as cursor:
        cursor.execute(_END, parameters)
        row = cursor.fetchone()
        end = until if row is None else TrailPosition(*row)
        parameters |= {"until_transaction": end.transaction_id, "until_id": end.event_id}
        cursor.execute(_BETWEEN, parameters)
        rows = cursor.fetchall()
    return EventWindow([TrailEvent(TrailPosition(row[0], row[1]), event_form(row[1:])) for row in rows], end)
