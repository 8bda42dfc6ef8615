"""The statements by which workers share the position of detection: one of them at a time goes on from it."""

from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from cedrina_base.prepared_statements import prepared_cursor
from security_events.selectors.trail import TrailPosition, end_of_trail, position_before
from security_events.services.detection.facts import longest_window

LEASE_SECONDS = 4  # a worker that was killed is replaced after these
_RENEW_SECONDS = 2  # before the end of the lease

_LOOK = """
SELECT position.transaction_id, position.event_id, position.judged_from,
       COALESCE(position.lease_id = %(lease)s
                AND position.leased_until > clock_timestamp() + %(renew)s * interval '1 second', false) AS is_ours,
       COALESCE(position.lease_id <> %(lease)s AND position.leased_until >= clock_timestamp(), false) AS is_taken,
       (SELECT COALESCE(max(number), 0) FROM security_events_ruleversion) AS newest_version
FROM security_events_detectionposition position
"""
_LEASE = """
UPDATE security_events_detectionposition
SET lease_id = %(lease)s, leased_until = clock_timestamp() + %(seconds)s * interval '1 second'
WHERE lease_id IS NULL OR lease_id = %(lease)s OR leased_until < clock_timestamp()
RETURNING transaction_id, event_id, judged_from
"""
_ADVANCE = """
UPDATE security_events_detectionposition
SET transaction_id = %(transaction_id)s, event_id = %(event_id)s, moved_at = %(now)s,
    leased_until = clock_timestamp() + %(seconds)s * interval '1 second'
WHERE lease_id = %(lease)s AND (transaction_id, event_id) = (%(old_transaction_id)s, %(old_event_id)s)
RETURNING id
"""
_RELEASE = """
UPDATE security_events_detectionposition SET lease_id = NULL, leased_until = NULL WHERE lease_id = %(lease)s
"""
_CREATE = """
INSERT INTO security_events_detectionposition (id, transaction_id, event_id, judged_from, moved_at)
VALUES (1, %(transaction_id)s, %(event_id)s, %(judged_from)s, %(now)s) ON CONFLICT DO NOTHING
"""


class SharedPosition(NamedTuple):
    """Where detection is. ``newest_version`` is the number of the newest change of a rule.

    The rules are asked about events of transactions after ``judged_from``; earlier ones only become facts.
    """

    position: TrailPosition
    judged_from: int
    newest_version: int


def acquire(*, lease_id: UUID, now: datetime) -> SharedPosition | None:
    """Return the position to go on from; ``None`` while another worker has it."""
    with prepared_cursor() as cursor:
        cursor.execute(_LOOK, {"lease": lease_id, "renew": _RENEW_SECONDS})
        row = cursor.fetchone()
        if row is None:
            _create(now)
            return None  # the next look finds it
        transaction_id, event_id, judged_from, is_ours, is_taken, newest = row
        if is_taken:
            return None
        if not is_ours:
            cursor.execute(_LEASE, {"lease": lease_id, "seconds": LEASE_SECONDS})
            row = cursor.fetchone()
            if row is None:
                return None
            transaction_id, event_id, judged_from = row
    return SharedPosition(TrailPosition(transaction_id, event_id), judged_from, newest)


def advance(old: TrailPosition, new: TrailPosition, *, lease_id: UUID, now: datetime) -> bool:
    """Move the position, in the caller's transaction, and keep it for longer; false if it isn't ours any more."""
    parameters: dict[str, Any] = {
        "lease": lease_id,
        "old_transaction_id": old.transaction_id,
        "old_event_id": old.event_id,
        "transaction_id": new.transaction_id,
        "event_id": new.event_id,
        "now": now,
        "seconds": LEASE_SECONDS,
    }
    with prepared_cursor() as cursor:
        cursor.execute(_ADVANCE, parameters)
        return cursor.fetchone() is not None


def release(*, lease_id: UUID) -> None:
    """Give the position back, so that any worker may take it."""
    with prepared_cursor() as cursor:
        cursor.execute(_RELEASE, {"lease": lease_id})


def _create(now: datetime) -> None:
    """Begin on a database that may have events already.

    Rules look back: without the sign-ins of the past weeks all people would seem to be at new places. So the events of
    the longest window become facts first, without a finding: it is too late to respond to them.
    """
    end = end_of_trail()
    start = position_before(now - longest_window()) or end
    with prepared_cursor() as cursor:
        cursor.execute(_CREATE, {**start._asdict(), "judged_from": end.transaction_id, "now": now})
