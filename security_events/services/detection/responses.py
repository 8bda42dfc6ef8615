"""Start responses to incidents and take them back. Other apps do what a response asks for, by the app's signals."""

from datetime import datetime, timedelta
from uuid import UUID

import structlog
from django.db import InterfaceError, OperationalError, transaction
from django.db.models import Q

from security_events import event_types
from security_events.catalogue import EventType
from security_events.detection.errors import ResponseNotFound, ResponseNotUndoable
from security_events.models import IncidentResponse
from security_events.services import deduplication, recording
from security_events.services.detection.incidents import Cause
from security_events.signals import response_started, response_undone
from security_events.types import NO_SUBJECT, ResponseKind, ResponseOrder, Subject

log = structlog.get_logger(__name__)

# A finding can rest on events of a month. Responses count what was done in so long before its last event as the attack.
LONGEST_ATTACK = timedelta(hours=3)
# How long a response is in force; those that are not here are over at once.
DURATIONS = {
    ResponseKind.STEP_UP: timedelta(days=1),
    ResponseKind.TIGHTEN_NETWORK: timedelta(hours=1),
    ResponseKind.LOCK_FACTOR: timedelta(minutes=30),
}


def start(cause: Cause, *, incident_id: UUID, now: datetime) -> list[IncidentResponse]:
    """Start the responses of a rule that are not in force for this incident; in the caller's transaction.

    What an operator has taken back is not started again for the same incident. What is over at once is done once.

    Each response has a savepoint. If a receiver fails, what it did is undone and an event says so; the finding and the
    other responses stay, and the next finding of the same cause starts the response again.

    Raises: OperationalError, InterfaceError, if the database is unavailable: then the caller tries the finding again.
    """
    wanted = intended(cause)
    if not wanted:
        return []
    kept = set(
        IncidentResponse.objects.filter(incident_id=incident_id)
        .filter(Q(undone_at__isnull=False) | Q(ends_at__isnull=True) | Q(ends_at__gt=now))
        .values_list("kind", flat=True)
    )
    missing = [kind for kind in wanted if kind not in kept]
    started = [_start_isolated(cause, kind, incident_id=incident_id, now=now) for kind in missing]
    return [row for row in started if row is not None]


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
            event_id = _record(event_types.RESPONSE_UNDONE, row, actor=actor, data={"note": note}, now=now)
            row.incident.timeline.create(event_id=event_id, at=now)
    return row


def order_of(row: IncidentResponse, *, since: datetime | None = None) -> ResponseOrder:
    """Return a stored response as its receivers get it. ``since`` is when the attack began."""
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
        since=since,
    )


def attack_began_at(cause: Cause, *, now: datetime) -> datetime:
    """Return the time of the first event of a finding, at most three hours before its last one."""
    times = [at for _event, at in cause.events] or [now]
    return max(min(times), max(times) - LONGEST_ATTACK)


def _start_isolated(cause: Cause, kind: ResponseKind, *, incident_id: UUID, now: datetime) -> IncidentResponse | None:
    try:
        with transaction.atomic():
            return _start(cause, kind, incident_id=incident_id, now=now)
    except (OperationalError, InterfaceError):
        raise
    except Exception as error:
        log.exception("response_failed", kind=str(kind), rule=cause.rule.id, incident=str(incident_id))
        # At most one a minute: each further finding tries again.
        deduplication.record(
            event_types.RESPONSE_FAILED,
            target=Subject(id=cause.subject if cause.is_account else ""),
            distinguished_by=[str(incident_id), str(kind)],
            data={
                "incident": str(incident_id),
                "rule": cause.rule.id,
                "kind": str(kind),
                "error": type(error).__name__,
            },
            now=now,
        )
        return None


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
    response_started.send(
        sender=IncidentResponse, response=order_of(row, since=attack_began_at(cause, now=now)), now=now
    )
    _record(event_types.RESPONSE_STARTED, row, data={"ends_at": row.ends_at and row.ends_at.isoformat()}, now=now)
    return row


def _record(
    event_type: EventType, row: IncidentResponse, *, actor: Subject = NO_SUBJECT, data: dict[str, object], now: datetime
) -> UUID:
    return recording.record(
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
