"""How far detection is behind the trail."""

from datetime import datetime
from typing import NamedTuple

from cedrina_base.prepared_statements import prepared_cursor
from security_events.selectors.trail import leave_out_others

MOST_COUNTED = 1000
_LAG = """
SELECT position.leased_until > clock_timestamp(), waiting.number, waiting.since
FROM security_events_detectionposition position
CROSS JOIN LATERAL (
    SELECT count(*) AS number, min(next.occurred_at) AS since FROM (
        SELECT event.occurred_at FROM security_events_event event
        WHERE (event.transaction_id, event.id) > (position.transaction_id, position.event_id)
          AND event.transaction_id < (SELECT security_events_oldest_transaction())
        ORDER BY event.transaction_id, event.id LIMIT %(most)s
    ) next
) waiting
"""


class DetectionLag(NamedTuple):
    """How many events wait for detection (``MOST_COUNTED`` + 1 for more) and when the oldest of these occurred.

    ``has_worker`` says whether a worker has the position at the moment.
    """

    waiting: int
    since: datetime | None
    has_worker: bool

    def seconds(self, *, now: datetime) -> float:
        """Return how long the oldest event has been waiting."""
        return max(0.0, (now - self.since).total_seconds()) if self.since else 0.0


def detection_lag() -> DetectionLag | None:
    """Return how far detection is behind; ``None`` as long as no worker has begun."""
    with prepared_cursor() as cursor:
        leave_out_others(cursor)
        cursor.execute(_LAG, {"most": MOST_COUNTED + 1})
        row = cursor.fetchone()
    if row is None:
        return None
    has_worker, waiting, since = row
    return DetectionLag(waiting, since, bool(has_worker))
