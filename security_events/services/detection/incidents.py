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

# Of processes that find the same cause at once, one opens the incident, and the others let it grow. All take the rows
# in one order, so that no two wait for each other.
_GROW = """
INSERT INTO security_events_incident AS incident (
    id, rule, key, status, severity, subject, network, events, risk_score, risk_reasons, evidence,
    rule_version, verdict, note, version, opened_at, updated_at
)
SELECT id, rule, key, 'open', severity, subject, network, events, risk_score, risk_reasons::jsonb, evidence::jsonb,
       rule_version, '', '', 1, %(now)s, %(now)s
FROM unnest(
    %(id)s::uuid[], %(rule)s::text[], %(key)s::text[], %(severity)s::text[], %(subject)s::text[], %(network)s::text[],
    %(events)s::int[], %(risk_score)s::int[], %(risk_reasons)s::text[], %(evidence)s::text[], %(rule_version)s::bigint[]
) AS cause (
    id, rule, key, severity, subject, network, events, risk_score, risk_reasons, evidence, rule_version
)
ORDER BY rule, key
ON CONFLICT (rule, key) WHERE status <> 'resolved' DO UPDATE SET
    events = incident.events + excluded.events,
    risk_score = GREATEST(incident.risk_score, excluded.risk_score),
    risk_reasons = excluded.risk_reasons,
    evidence = excluded.evidence,
    updated_at = excluded.updated_at
RETURNING rule, key, id, events
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
    return grow_all([cause], now=now)[0]


def grow_all(causes: Sequence[Cause], *, now: datetime) -> list[GrownIncident]:
    """Open the incidents of causes, or add their events to the open ones; in the caller's transaction.

    No two causes have the same rule and key. One statement for all: with one for each, and one for its timeline,
    incidents took a seventh of what detection costs the database.
    """
    if not causes:
        return []
    grown = _store(causes, now=now)
    IncidentEvent.objects.bulk_create(
        (
            IncidentEvent(incident_id=incident.id, event_id=event_id, at=at)
            for cause, incident in zip(causes, grown, strict=True)
            for event_id, at in cause.events[: max(0, MOST_EVENTS_KEPT - (incident.events - len(cause.events)))]
        ),
        ignore_conflicts=True,
    )
    for cause, incident in zip(causes, grown, strict=True):
        if incident.is_new:
            _record_opened(cause, incident, now=now)
    return grown


def _store(causes: Sequence[Cause], *, now: datetime) -> list[GrownIncident]:
    ids = [uuid7() for _ in causes]
    parameters: dict[str, Any] = {
        "id": ids,
        "rule": [cause.rule.id for cause in causes],
        "key": [cause.key for cause in causes],
        "severity": [str(cause.rule.severity) for cause in causes],
        "subject": [cause.subject for cause in causes],
        "network": [cause.network for cause in causes],
        "events": [len(cause.events) for cause in causes],
        "risk_score": [cause.risk_score or cause.rule.score for cause in causes],
        "risk_reasons": [storable_json(list(cause.risk_reasons)) for cause in causes],
        "evidence": [storable_json(dict(cause.evidence)) for cause in causes],
        "rule_version": [cause.rule_version for cause in causes],
        "now": now,
    }
    with prepared_cursor() as cursor:
        cursor.execute(_GROW, parameters)
        rows = {(rule, key): (incident_id, events) for rule, key, incident_id, events in cursor.fetchall()}
    stored = [rows[cause.rule.id, cause.key] for cause in causes]
    return [
        GrownIncident(incident_id, events, is_new=incident_id == proposed)
        for proposed, (incident_id, events) in zip(ids, stored, strict=True)
    ]


def _record_opened(cause: Cause, incident: GrownIncident, *, now: datetime) -> None:
    recording.record(
        event_types.INCIDENT_OPENED,
        target=Subject(id=cause.subject if cause.is_account else ""),
        session_id=cause.session_id,
        risk_score=cause.risk_score or cause.rule.score,
        data={
            "incident": str(incident.id),
            "rule": cause.rule.id,
            "rule_version": cause.rule_version,
            "severity": str(cause.rule.severity),
            "network": cause.network,
            "evidence": cause.evidence,
            "trigger": str(cause.events[-1][0]) if cause.events else "",
        },
        now=now,
    )
