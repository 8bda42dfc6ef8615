"""Open incidents and let them grow: one for each rule and cause, however many events there are."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from cedrina_base.prepared_statements import prepared_cursor
from cedrina_base.uuids import uuid7
from security_events import event_types
from security_events.detection.rules import Rule
from security_events.event_values import storable_json
from security_events.models import IncidentEvent
from security_events.services import recording
from security_events.types import Subject

MOST_EVENTS_KEPT = 1000  # of the timeline of an incident; the count goes on

# Of processes that find the same cause at once, one opens the incident, and the others let it grow.
_GROW = """
INSERT INTO security_events_incident AS incident (
    id, rule, key, status, severity, subject, network, events, risk_score, risk_reasons, evidence,
    rule_version, verdict, note, version, opened_at, updated_at
) VALUES (
    %(id)s, %(rule)s, %(key)s, 'open', %(severity)s, %(subject)s, %(network)s, %(events)s, %(risk_score)s,
    %(risk_reasons)s::jsonb, %(evidence)s::jsonb, %(rule_version)s, '', '', 1, %(now)s, %(now)s
)
ON CONFLICT (rule, key) WHERE status <> 'resolved' DO UPDATE SET
    events = incident.events + excluded.events,
    risk_score = GREATEST(incident.risk_score, excluded.risk_score),
    risk_reasons = excluded.risk_reasons,
    evidence = excluded.evidence,
    updated_at = excluded.updated_at
RETURNING id, incident.events, id = %(id)s
"""


@dataclass(frozen=True, slots=True)
class Cause:
    """An enforced finding. ``key`` is what its events have in common, ``events`` those that are new, the trigger last.

    ``subject`` is the account, or the pseudonym of a name (``is_account`` is false then).
    """

    rule: Rule
    key: str
    events: Sequence[tuple[UUID, datetime]]
    subject: str = ""
    is_account: bool = False
    session_id: UUID | None = None
    network: str = ""
    risk_score: int = 0
    risk_reasons: Sequence[dict[str, Any]] = ()
    evidence: dict[str, Any] = field(default_factory=dict)
    rule_version: int = 0


@dataclass(frozen=True, slots=True)
class GrownIncident:
    """An incident after it was opened (``is_new``) or has grown to ``events`` events."""

    id: UUID
    events: int
    is_new: bool


def grow(cause: Cause, *, now: datetime) -> GrownIncident:
    """Open the incident of a cause, or add its events to the open one; in the caller's transaction."""
    with prepared_cursor() as cursor:
        cursor.execute(
            _GROW,
            {
                "id": uuid7(),
                "rule": cause.rule.id,
                "key": cause.key,
                "severity": str(cause.rule.severity),
                "subject": cause.subject,
                "network": cause.network,
                "events": len(cause.events),
                "risk_score": cause.risk_score or cause.rule.score,
                "risk_reasons": storable_json(list(cause.risk_reasons)),
                "evidence": storable_json(dict(cause.evidence)),
                "rule_version": cause.rule_version,
                "now": now,
            },
        )
        grown = GrownIncident(*cursor.fetchone())
    room = MOST_EVENTS_KEPT - (grown.events - len(cause.events))
    IncidentEvent.objects.bulk_create(
        (
            IncidentEvent(incident_id=grown.id, event_id=event_id, at=at)
            for event_id, at in cause.events[: max(0, room)]
        ),
        ignore_conflicts=True,
    )
    if grown.is_new:
        recording.record(
            event_types.INCIDENT_OPENED,
            target=Subject(id=cause.subject if cause.is_account else ""),
            session_id=cause.session_id,
            risk_score=cause.risk_score or cause.rule.score,
            data={
                "incident": str(grown.id),
                "rule": cause.rule.id,
                "rule_version": cause.rule_version,
                "severity": str(cause.rule.severity),
                "network": cause.network,
                "evidence": cause.evidence,
                "trigger": str(cause.events[-1][0]) if cause.events else "",
            },
            now=now,
        )
    return grown
