"""The statements by which processes share the sinks: each is one decision of the database."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from cedrina_base.prepared_statements import prepared_cursor
from security_events.models import Sink, SinkState
from security_events.selectors.trail import TrailPosition, leave_out_others

LEASE_SECONDS = 30

_IS_DUE = "(sink.next_attempt_at IS NULL OR sink.next_attempt_at <= %(now)s)"
_IS_FREE = "(sink.leased_until IS NULL OR sink.leased_until < clock_timestamp())"
_DUE = f"""
SELECT sink.id FROM security_events_sink sink
WHERE sink.kind = ANY(%(kinds)s) AND {_IS_FREE} AND (
    sink.open_requests > 0
    OR (
        sink.is_enabled AND {_IS_DUE} AND CASE WHEN sink.kind = ANY(%(checkpoint_kinds)s) THEN
            (sink.transaction_id, sink.event_id) < (
                SELECT transaction_id, events_to FROM security_events_trail_checkpoint ORDER BY size DESC LIMIT 1
            )
        ELSE EXISTS (
            SELECT FROM security_events_event event
            WHERE (event.transaction_id, event.id) > (sink.transaction_id, sink.event_id)
              AND event.transaction_id < (SELECT security_events_oldest_transaction())
        ) END
    )
)
ORDER BY sink.id
"""  # noqa: S608 - parts of our own
_LEASE = f"""
UPDATE security_events_sink sink
SET lease_id = %(lease)s, leased_until = clock_timestamp() + %(seconds)s * interval '1 second'
WHERE id = %(id)s AND {_IS_FREE} RETURNING id
"""  # noqa: S608 - parts of our own
_RELEASE = """
UPDATE security_events_sink SET lease_id = NULL, leased_until = NULL WHERE id = %(id)s AND lease_id = %(lease)s
"""
# A sink whose position was moved meanwhile, to send events again, keeps the new position.
_ADVANCE = """
UPDATE security_events_sink
SET transaction_id = CASE WHEN (transaction_id, event_id) = (%(old_transaction)s, %(old_event)s)
                          THEN %(new_transaction)s ELSE transaction_id END,
    event_id = CASE WHEN (transaction_id, event_id) = (%(old_transaction)s, %(old_event)s)
                    THEN %(new_event)s ELSE event_id END,
    state = %(state)s, attempts = 0, failing_since = NULL, next_attempt_at = NULL, last_error = '',
    last_delivered_at = %(now)s,
    leased_until = clock_timestamp() + %(seconds)s * interval '1 second'
WHERE id = %(id)s AND lease_id = %(lease)s RETURNING id
"""


def due_sinks(*, kinds: Collection[str], checkpoint_kinds: Collection[str] = (), now: datetime) -> list[UUID]:
    """Return the sinks that something can be sent to now, and that no process is busy with.

    Those of ``checkpoint_kinds`` are given checkpoints, the others events.
    """
    with prepared_cursor() as cursor:
        leave_out_others(cursor)
        cursor.execute(_DUE, {"kinds": list(kinds), "checkpoint_kinds": list(checkpoint_kinds), "now": now})
        return [sink_id for (sink_id,) in cursor.fetchall()]


def lease(sink_id: UUID, *, lease_id: UUID) -> Sink | None:
    """Take a sink for ``LEASE_SECONDS``; ``None`` if another process has it, or it is deleted."""
    with prepared_cursor() as cursor:
        cursor.execute(_LEASE, {"id": sink_id, "lease": lease_id, "seconds": LEASE_SECONDS})
        if cursor.fetchone() is None:
            return None
    return Sink.objects.filter(pk=sink_id, lease_id=lease_id).first()


def advance(sink: Sink, position: TrailPosition, *, now: datetime) -> bool:
    """Store what was delivered, forget earlier failures and keep the sink for longer; false if the lease was lost."""
    parameters = {
        "id": sink.pk,
        "lease": sink.lease_id,
        "old_transaction": sink.transaction_id,
        "old_event": sink.event_id,
        "new_transaction": position.transaction_id,
        "new_event": position.event_id,
        "state": SinkState.ACTIVE,
        "now": now,
        "seconds": LEASE_SECONDS,
    }
    with prepared_cursor() as cursor:
        cursor.execute(_ADVANCE, parameters)
        return cursor.fetchone() is not None


def release(sink: Sink) -> None:
    """Give a sink back, so that any process may take it."""
    with prepared_cursor() as cursor:
        cursor.execute(_RELEASE, {"id": sink.pk, "lease": sink.lease_id})
