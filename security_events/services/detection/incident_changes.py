"""What operators do with incidents: acknowledge, resolve with a verdict, reopen, write a note.

Each change records an event in its transaction. An incident that is resolved as a false alarm takes its responses back
in that same transaction: whoever was hurt by them is helped at once, or nothing was changed at all.
"""

from datetime import datetime
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from security_events import event_types
from security_events.catalogue import EventType
from security_events.detection.errors import IncidentChanged, IncidentNotFound, IncidentOpenAlready, VerdictInvalid
from security_events.models import Incident, IncidentEvent, IncidentResponse
from security_events.services import recording
from security_events.services.detection import responses
from security_events.types import IncidentStatus, Subject, Verdict

LONGEST_NOTE = 2000
_EVENT_TYPES: dict[IncidentStatus, EventType] = {
    IncidentStatus.OPEN: event_types.INCIDENT_REOPENED,
    IncidentStatus.ACKNOWLEDGED: event_types.INCIDENT_ACKNOWLEDGED,
    IncidentStatus.RESOLVED: event_types.INCIDENT_RESOLVED,
}


def change(
    *,
    incident_id: UUID,
    status: IncidentStatus | None = None,
    verdict: Verdict | None = None,
    note: str | None = None,
    versions: frozenset[int] | None = None,
    actor: Subject,
    now: datetime,
) -> Incident:
    """Change the status, the verdict or the note of an incident; what is left out stays.

    A resolved incident has a verdict, others have none. ``versions`` are those that the operator has read. A change to
    what is so already changes nothing and records nothing.

    Raises: IncidentNotFound, IncidentChanged, IncidentOpenAlready, VerdictInvalid.
    """
    with transaction.atomic():
        incident = _lock(incident_id, versions)
        before = (incident.status, incident.verdict, incident.note)
        after = status or IncidentStatus(incident.status)
        incident.verdict = _verdict(incident, after, verdict)
        incident.status = after
        incident.note = incident.note if note is None else note
        if (incident.status, incident.verdict, incident.note) == before:
            return incident
        incident.resolved_at = (incident.resolved_at or now) if after is IncidentStatus.RESOLVED else None
        incident.version += 1
        _save(incident)
        _record(incident, _EVENT_TYPES[after], actor, now=now)
        if incident.verdict == Verdict.FALSE_POSITIVE and before[1] != incident.verdict:
            _take_back(incident, actor=actor, now=now)
    return incident


def _lock(incident_id: UUID, versions: frozenset[int] | None) -> Incident:
    # Without the key: rows of other transactions that refer to it don't wait, and so there is no deadlock with `undo`.
    incident = Incident.objects.select_for_update(no_key=True).filter(pk=incident_id).first()
    if incident is None:
        raise IncidentNotFound
    if versions is not None and incident.version not in versions:
        raise IncidentChanged
    return incident


def _verdict(incident: Incident, status: IncidentStatus, verdict: Verdict | None) -> str:
    if status is not IncidentStatus.RESOLVED:
        if verdict is not None:
            raise VerdictInvalid(member_code="invalid", sentence=_("Only a resolved incident has a verdict."))
        return ""
    found = verdict or incident.verdict
    if not found:
        sentence = _("Say what it was: a resolved incident has a verdict.")
        raise VerdictInvalid(member_code="required", sentence=sentence)
    return found


def _save(incident: Incident) -> None:
    members = ["status", "verdict", "note", "resolved_at", "version"]
    try:
        with transaction.atomic():
            incident.save(update_fields=members)
    except IntegrityError as error:  # of the rule and cause of unresolved incidents, the only constraint
        raise IncidentOpenAlready from error


def _take_back(incident: Incident, *, actor: Subject, now: datetime) -> None:
    rows = IncidentResponse.objects.filter(incident=incident, undone_at=None, ends_at__gt=now).order_by("pk")
    for response_id in rows.values_list("pk", flat=True):
        responses.undo(response_id=response_id, incident_id=incident.pk, actor=actor, note=incident.note, now=now)


def _record(incident: Incident, event_type: EventType, actor: Subject, *, now: datetime) -> None:
    data: dict[str, object] = {"incident": str(incident.pk), "rule": incident.rule, "note": incident.note}
    if event_type is event_types.INCIDENT_RESOLVED:
        data |= {"verdict": incident.verdict, "events": incident.events}
    event_id = recording.record(event_type, actor=actor, data=data, now=now)
    IncidentEvent.objects.create(incident=incident, event_id=event_id, at=now)
