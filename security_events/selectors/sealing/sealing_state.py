"""How far the trail is sealed, what waits, and what keeps it waiting."""

from datetime import datetime, timedelta
from typing import NamedTuple

from django.db import connection

from security_events.models import TrailCheckpoint
from security_events.selectors.sealing.checkpoints import newest_checkpoint
from security_events.selectors.trail import START, leave_out_others

MOST_COUNTED = 10_000

# `held` are events behind a transaction that began before theirs and still runs (security_events_oldest_transaction).
_UNSEALED = """
SELECT count(*), min(occurred_at),
       count(*) FILTER (WHERE transaction_id >= (SELECT security_events_oldest_transaction()))
FROM (
    SELECT transaction_id, occurred_at FROM security_events_event
    WHERE (transaction_id, id) > (%s, %s) ORDER BY transaction_id, id LIMIT %s
) AS unsealed
"""
# Of other roles' transactions, only a role with pg_read_all_stats sees when they began.
_OLDEST_WRITER = """
SELECT transaction, began_at FROM (
    SELECT 'process ' || pid AS transaction, xact_start AS began_at FROM pg_stat_activity
    WHERE datname = current_database() AND backend_xid IS NOT NULL AND pid <> pg_backend_pid()
    UNION ALL
    SELECT 'prepared transaction ' || gid, prepared FROM pg_prepared_xacts WHERE database = current_database()
) AS writers
ORDER BY began_at NULLS LAST LIMIT 1
"""


class SealingState(NamedTuple):
    """``unsealed`` counts the events that no checkpoint covers, up to 10,000; ``held`` those that must still wait."""

    checkpoint: TrailCheckpoint | None
    unsealed: int
    held: int
    oldest_unsealed_at: datetime | None

    def waiting(self, *, now: datetime) -> timedelta:
        """Return for how long the oldest unsealed event has been waiting."""
        return max(timedelta(), now - self.oldest_unsealed_at) if self.oldest_unsealed_at else timedelta()

    def checkpoint_age(self, *, now: datetime) -> timedelta | None:
        """Return how long ago the newest checkpoint was made."""
        return max(timedelta(), now - self.checkpoint.created_at) if self.checkpoint else None


class OpenTransaction(NamedTuple):
    """A transaction that writes; ``began_at`` is ``None`` where the role may not know."""

    name: str
    began_at: datetime | None


def sealing_state() -> SealingState:
    """Return how far the trail is sealed."""
    newest = newest_checkpoint()
    position = (newest.transaction_id, newest.events_to) if newest else START
    with connection.cursor() as cursor:
        leave_out_others(cursor)
        cursor.execute(_UNSEALED, [*position, MOST_COUNTED])
        unsealed, oldest, held = cursor.fetchone()
    return SealingState(newest, unsealed, held, oldest)


def oldest_writer() -> OpenTransaction | None:
    """Return the transaction of this database that has been writing for longest."""
    with connection.cursor() as cursor:
        cursor.execute(_OLDEST_WRITER)
        row = cursor.fetchone()
    return OpenTransaction(*row) if row else None
