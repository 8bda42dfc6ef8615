"""Read stored events as rules see them, in one pass and in the order of the trail."""

from collections.abc import Collection, Iterator
from datetime import datetime

from django.db import connection, transaction

from cedrina_base.prepared_statements import prepared_cursor
from security_events.detection.backtest.outcomes import ReplayedEvent
from security_events.detection.facts import fact_from
from security_events.event_form import EVENT_COLUMNS, LazyForm
from security_events.selectors.trail import leave_out_others

ROWS_AT_ONCE = 5_000

# What a live rule sees: committed events of the types that it watches.
_EVENTS = f"""
SELECT {EVENT_COLUMNS} FROM security_events_event event
WHERE event.occurred_at >= %(since)s AND event.occurred_at < %(until)s AND event.type = ANY(%(types)s)
  AND event.transaction_id < (SELECT security_events_oldest_transaction())
ORDER BY event.transaction_id, event.id
"""  # noqa: S608 - parts of our own


def replayed_events(*, types: Collection[str], since: datetime, until: datetime) -> Iterator[ReplayedEvent]:
    """Return the events of some types, as facts with the risk that was stored with them.

    A server-side cursor reads them, so memory holds a few thousand at once.
    """
    with transaction.atomic():
        with prepared_cursor() as cursor:
            leave_out_others(cursor)
        with connection.chunked_cursor() as cursor:
            cursor.execute(_EVENTS, {"types": list(types), "since": since, "until": until})
            while rows := cursor.fetchmany(ROWS_AT_ONCE):
                for row in rows:
                    form = LazyForm(row)
                    yield ReplayedEvent(fact_from(form), form["risk_score"])
