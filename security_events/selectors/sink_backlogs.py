"""How far sinks are behind the trail."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from cedrina_base.prepared_statements import prepared_cursor
from security_events.selectors.trail import leave_out_others

MOST_COUNTED = 1000
# The leaf of the last event that was delivered tells the size of its checkpoint, and the primary key the next ones.
_BACKLOGS = """
SELECT sink.id, count(waiting.moment), min(waiting.moment)
FROM security_events_sink sink LEFT JOIN LATERAL (
    (
        SELECT event.occurred_at AS moment FROM security_events_event event
        WHERE NOT sink.kind = ANY(%(checkpoint_kinds)s)
          AND (event.transaction_id, event.id) > (sink.transaction_id, sink.event_id)
          AND event.transaction_id < (SELECT security_events_oldest_transaction())
        ORDER BY event.transaction_id, event.id LIMIT %(most)s
    ) UNION ALL (
        SELECT created_at FROM security_events_trail_checkpoint
        WHERE sink.kind = ANY(%(checkpoint_kinds)s)
          AND size > COALESCE((SELECT leaf_index + 1 FROM security_events_trail_leaf leaf
                               WHERE leaf.event_id = sink.event_id), 0)
          AND (transaction_id, events_to) > (sink.transaction_id, sink.event_id)
        ORDER BY size LIMIT %(most)s
    )
) waiting ON true
WHERE sink.id = ANY(%(ids)s) GROUP BY sink.id
"""


class SinkBacklog(NamedTuple):
    """How many events or checkpoints wait for a sink, ``MOST_COUNTED`` + 1 for more, and the time of the oldest."""

    waiting: int
    since: datetime | None


NO_BACKLOG = SinkBacklog(0, None)


def backlogs(
    sink_ids: Collection[UUID], *, checkpoint_kinds: Collection[str], most: int = MOST_COUNTED
) -> Mapping[UUID, SinkBacklog]:
    """Return how far sinks are behind, counted up to ``most`` + 1.

    Those of ``checkpoint_kinds`` are sent checkpoints, the others events.
    """
    parameters: dict[str, Any] = {
        "ids": list(sink_ids),
        "checkpoint_kinds": list(checkpoint_kinds),
        "most": most + 1,
    }
    with prepared_cursor() as cursor:
        leave_out_others(cursor)
        cursor.execute(_BACKLOGS, parameters)
        return {sink_id: SinkBacklog(waiting, since) for sink_id, waiting, since in cursor.fetchall()}
