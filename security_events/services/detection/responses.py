"""Start responses to incidents and take them back. Other apps do what a response asks for, by the app's signals."""

from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import Q

from security_events import event_types
from security_events.catalogue import EventType
from security_events.detection.errors import ResponseNotFound, ResponseNotUndoable
from security_events.models import IncidentResponse
from security_events.services import recording
from security_events.services.detection.incidents import Cause
from security_events.signals import response_started, response_undone
from security_events.types import NO_SUBJECT, ResponseKind, ResponseOrder, Subject

# How long a response is in force; those that are not here are over at once.
DURATIONS = {
    ResponseKind.STEP_UP: timedelta(days=1),
    ResponseKind.TIGHTEN_NETWORK: timedelta(hours=1),
    ResponseKind.LOCK_FACTOR: timedelta(minutes=30),
}


def start(cause: Cause, *, incident_id: UUID, now: datetime) -> list[IncidentResponse]:
    """Start the responses of a rule that are not in force for this incident; in the caller's transaction.

    What an operator has taken back is not started again for the same incident. What is over at once is done once.
    """
    kept = set(
        IncidentResponse.objects.filter(incident_id=incident_id)
        .filter(Q(undone_at__isnull=False) | Q(ends_at__isnull=True) | Q(ends_at__gt=now))
        .values_list("kind", flat=True)
    )
    return [_start(cause, kind, incident_id=incident_id, now=now) for kind in intended(cause) if kind not in kept]


def intended(cause: Cause) -> list[ResponseKind]:
    """Return the responses of a rule to a cause: those whose account or network is known."""
    return [kind for kind in cause.rule.responses if _has_aim(kind, cause)]


def undo(*, response_id: UUID, incident_id: UUID, actor: Subject, note: str = "", now: datetime) -> IncidentResponse:
    """Take a response back. A second call changes nothing.

    Raises: ResponseNotFound, ResponseNotUndoable.
    """
    with transaction.atomic():
        rows = IncidentResponse.objects.select_related("incident").select_for_update(of=["self"])
        row = rows.filter(pk=response_id, incident_id=incident_id).first()
        if row is None:
            raise ResponseNotFound
        if row.kind not in DURATIONS:
            raise ResponseNotUndoable
        if row.undone_at is None:
            row.undone_at, row.undone_by = now, actor.id
            row.save(update_fields=["undone_at", "undone_by"])
            response_undone.send(sender=IncidentResponse, response=order_of(row), now=now)
            _record(event_types.RESPONSE_UNDONE, row, actor=actor, data={"note": note}, now=now)
    return row


def order_of(row: IncidentResponse) -> ResponseOrder:
    """Return a stored response as its receivers get it."""
    return ResponseOrder(
        id=row.pk,
        incident_id=row.incident_id,
        rule=row.incident.rule,
        kind=ResponseKind(row.kind),
        subject=row.subject,
        session_id=row.session_id,
        network=row.network,
        ends_at=row.ends_at,
        evidence=row.evidence,
    )


def _has_aim(kind: ResponseKind, cause: Cause) -> bool:
    return bool(cause.network) if kind == ResponseKind.TIGHTEN_NETWORK else cause.is_account


def _start(cause: Cause, kind: ResponseKind, *, incident_id: UUID, now: datetime) -> IncidentResponse:
    duration = DURATIONS.get(kind)
    row = IncidentResponse.objects.create(
        incident_id=incident_id,
        kind=kind,
        subject=cause.subject if cause.is_account else "",
        session_id=cause.session_id,
        network=cause.network,
        evidence=cause.evidence,
        started_at=now,
        ends_at=now + duration if duration else None,
    )
    response_started.send(sender=IncidentResponse, response=order_of(row), now=now)
    _record(event_types.RESPONSE_STARTED, row, data={"ends_at": row.ends_at and row.ends_at.isoformat()}, now=now)
    return row


def _record(
    event_type: EventType, row: IncidentResponse, *, actor: Subject = NO_SUBJECT, data: dict[str, object], now: datetime
) -> None:
    recording.record(
        event_type,
        actor=actor,
        target=Subject(id=row.subject),
        session_id=row.session_id,
        data={
            "incident": str(row.incident_id),
            "rule": row.incident.rule,
            "response": str(row.pk),
            "kind": row.kind,
            "network": row.network,
            **data,
        },
        now=now,
    )
