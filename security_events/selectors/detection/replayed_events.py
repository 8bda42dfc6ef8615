"""Read stored events as rules see them, in one pass and in the order of the trail."""

from collections.abc import Collection, Iterator
from datetime import datetime
from functools import lru_cache
from sys import intern

from django.db import connection, transaction

from cedrina_base.prepared_statements import prepared_cursor
from security_events.detection.backtest.outcomes import ReplayedEvent
from security_events.detection.facts import DATA_MEMBERS, EventData, fact_of, origin_of
from security_events.event_form import members_of
from security_events.selectors.trail import leave_out_others

ROWS_AT_ONCE = 5_000
_MOST_DATA = 5_000  # texts of which the meaning is remembered: sign-ins have few different ones
_MOST_ORIGINS = 50_000  # addresses of which place and network are remembered; to look at a file takes 20 µs and more

# What a live rule sees: committed events of the types that it watches, and of these the columns of a fact alone.
_EVENTS = """
SELECT event.id::text, extract(epoch FROM event.occurred_at)::float8, event.type, event.outcome = 'success',
       event.actor_id, event.actor_pseudonym, event.target_id, COALESCE(event.session_id::text, ''),
       COALESCE(host(event.ip_address), ''), event.user_agent, event.data::text, event.risk_score
FROM security_events_event event
WHERE event.occurred_at >= %(since)s AND event.occurred_at < %(until)s AND event.type = ANY(%(types)s)
  AND event.transaction_id < (SELECT security_events_oldest_transaction())
ORDER BY event.transaction_id, event.id
"""


def replayed_events(*, types: Collection[str], since: datetime, until: datetime) -> Iterator[ReplayedEvent]:
    """Return the events of some types, as facts with the risk that was stored with them.

    A server-side cursor reads them, so memory holds a few thousand at once.
    """
    origins = lru_cache(_MOST_ORIGINS)(origin_of)
    data_of = lru_cache(_MOST_DATA)(_data_of)
    with transaction.atomic():
        with prepared_cursor() as cursor:
            leave_out_others(cursor)
        with connection.chunked_cursor() as cursor:
            cursor.execute(_EVENTS, {"types": list(types), "since": since, "until": until})
            while rows := cursor.fetchmany(ROWS_AT_ONCE):
                for (
                    event_id,
                    at,
                    event_type,
                    succeeded,
                    actor_id,
                    actor_pseudonym,
                    target_id,
                    session_id,
                    ip_address,
                    user_agent,
                    data,
                    risk_score,
                ) in rows:
                    fact = fact_of(
                        event_id=event_id,
                        at=at,
                        event_type=intern(event_type),
                        succeeded=succeeded,
                        actor_id=actor_id,
                        actor_pseudonym=actor_pseudonym,
                        target_id=target_id,
                        session_id=session_id,
                        ip_address=ip_address,
                        user_agent=user_agent,
                        data=data_of(data),
                        origins=origins,
                    )
                    yield ReplayedEvent(fact, risk_score)


def _data_of(text: str) -> EventData:
    return EventData.of(members_of(text, DATA_MEMBERS))
