"""Append one event, in the transaction of the change that it records."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from cedrina_base.prepared_statements import prepared_cursor
from security_events.catalogue import EventType
from security_events.event_cte import AppendedEvent, append_sql
from security_events.types import NO_SUBJECT, Outcome, Subject

_RECORD = append_sql() + "RETURNING id"


def record(
    event_type: EventType,
    *,
    actor: Subject = NO_SUBJECT,
    target: Subject = NO_SUBJECT,
    outcome: Outcome = Outcome.SUCCESS,
    session_id: UUID | None = None,
    family_id: UUID | None = None,
    risk_score: int | None = None,
    reasons: Sequence[str] = (),
    data: Mapping[str, Any] | None = None,
    now: datetime | None = None,
) -> UUID:
    """Append one event and return its id.

    The event belongs to the caller's transaction: a change that is rolled back leaves no event, and no change is
    committed without its event. Names are stored masked, secrets not at all. Without ``now`` the event gets the time
    of the database's clock.

    Raises: UndeclaredEventType.
    """
    event = AppendedEvent(
        event_type,
        actor=actor,
        target=target,
        outcome=outcome,
        session_id=session_id,
        family_id=family_id,
        risk_score=risk_score,
        reasons=reasons,
        data=data,
        now=now,
    )
    with prepared_cursor() as cursor:
        cursor.execute(_RECORD, event.params)
        event_id: UUID
        (event_id,) = cursor.fetchone()
    event.announce()
    return event_id
