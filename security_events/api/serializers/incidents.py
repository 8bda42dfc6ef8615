"""Shapes of incidents going in and out."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from cedrina_base.strict_serializers import StrictCharField, StrictChoiceField, StrictSerializer
from security_events.detection import rules
from security_events.models import Incident, IncidentResponse
from security_events.selectors.detection.incidents import TimelineEntry
from security_events.selectors.event_filters import SEVERITIES
from security_events.services.detection.incident_changes import LONGEST_NOTE
from security_events.types import IncidentStatus, ResponseKind, Severity, Verdict

_BAD_CURSOR = _("The cursor is not one of ours.")
_LONGEST_KEY = 64


class CursorPageInput(StrictSerializer):
    """Which part of a list is wanted. The cursor is what the page before gave as ``next``."""

    limit = serializers.IntegerField(min_value=1, max_value=200, default=50)
    cursor = serializers.CharField(required=False)

    def validate_cursor(self, value: str) -> UUID:
        try:
            return UUID(hex=value)
        except ValueError as error:
            raise serializers.ValidationError(_BAD_CURSOR, code="invalid") from error


class IncidentPageInput(CursorPageInput):
    """A page of incidents, and what they have in common."""

    status = StrictChoiceField(choices=list(IncidentStatus), required=False)
    rule = StrictCharField(max_length=_LONGEST_KEY, required=False, help_text="The id of a detection rule.")
    severity = StrictChoiceField(
        choices=list(SEVERITIES), required=False, help_text="`high` is exactly that, `high+` that and above."
    )
    subject = StrictCharField(max_length=_LONGEST_KEY, required=False, help_text="The id of an account.")


class IncidentChangeInput(StrictSerializer):
    """What an operator says about an incident; what is left out stays."""

    status = StrictChoiceField(choices=list(IncidentStatus), required=False)
    verdict = StrictChoiceField(
        choices=list(Verdict), required=False, help_text="Required when the incident is resolved, and only then."
    )
    note = StrictCharField(max_length=LONGEST_NOTE, allow_blank=True, required=False)


class StrictUUIDField(serializers.UUIDField):
    """Accepts a string; Django REST framework would take a number for an id, too."""

    def to_internal_value(self, data: Any) -> UUID:
        if not isinstance(data, str):
            self.fail("invalid", value=data)
        found: UUID = super().to_internal_value(data)
        return found


class ResponseUndoInput(StrictSerializer):
    """Which response of the incident is taken back, and why."""

    response = StrictUUIDField(help_text="The `id` of a member of `responses`.")
    note = StrictCharField(max_length=LONGEST_NOTE, allow_blank=True, required=False, default="")


class IncidentResponseOutput(serializers.Serializer[object]):
    """What was done about an incident, and until when it is in force."""

    id = serializers.UUIDField()
    kind = serializers.ChoiceField(choices=list(ResponseKind))
    started_at = serializers.DateTimeField()
    ends_at = serializers.DateTimeField(allow_null=True, help_text="`null` for what was over at once, such as a mail.")
    undone_at = serializers.DateTimeField(allow_null=True)
    undone_by = serializers.CharField(allow_null=True, help_text="The id of the operator.")


class RiskReasonOutput(serializers.Serializer[object]):
    """One part of the risk."""

    factor = serializers.CharField()
    weight = serializers.IntegerField()
    evidence = serializers.JSONField()


class IncidentOutput(serializers.Serializer[object]):
    """The findings of one rule about one cause."""

    id = serializers.UUIDField()
    rule = serializers.CharField()
    title = serializers.CharField(help_text="What the rule looks for, in the language of the request.")
    status = serializers.ChoiceField(choices=list(IncidentStatus))
    severity = serializers.ChoiceField(choices=list(Severity))
    subject = serializers.CharField(
        allow_null=True, help_text="The id of the account, or the pseudonym of a name that no account has."
    )
    network = serializers.CharField(allow_null=True)
    opened_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField(help_text="When it grew the last time.")
    resolved_at = serializers.DateTimeField(allow_null=True)
    events = serializers.IntegerField()
    risk_score = serializers.IntegerField()
    risk_reasons = RiskReasonOutput(many=True)
    evidence = serializers.DictField(help_text="The counts of the newest finding, by the names of the thresholds.")
    rule_version = serializers.IntegerField(help_text="The change of the rule that was in force, 0 for its own values.")
    responses = IncidentResponseOutput(many=True)
    verdict = serializers.ChoiceField(choices=list(Verdict), allow_null=True)
    note = serializers.CharField(allow_blank=True)


class TimelineEntryOutput(serializers.Serializer[object]):
    """An event that led to an incident, or a change by an operator; ``null`` stands for what has expired."""

    id = serializers.UUIDField()
    occurred_at = serializers.DateTimeField()
    type = serializers.CharField(allow_null=True)
    severity = serializers.ChoiceField(choices=list(Severity), allow_null=True)
    outcome = serializers.CharField(allow_null=True)
    ip_address = serializers.CharField(allow_null=True)
    actor_id = serializers.CharField(allow_null=True)
    event = serializers.CharField(help_text="The path of the event; reading it takes `events:read`.")
    proof = serializers.CharField(help_text="The path of the proof that it is in the sealed trail.")


class IncidentDetailOutput(IncidentOutput):
    """An incident with the newest of its events."""

    timeline = TimelineEntryOutput(many=True)
    timeline_next = serializers.CharField(allow_null=True, help_text="The cursor of the events that follow.")


class IncidentListOutput(serializers.Serializer[object]):
    """A page of incidents, the newest first."""

    results = IncidentOutput(many=True)
    next = serializers.CharField(allow_null=True)


class TimelineOutput(serializers.Serializer[object]):
    """A page of the events of an incident, the newest first. The first thousand are kept."""

    results = TimelineEntryOutput(many=True)
    next = serializers.CharField(allow_null=True)


def incident_body(incident: Incident) -> dict[str, Any]:
    """Return an incident in its public form, the same in lists, answers and on sockets."""
    rule = rules.find(incident.rule)
    return {
        "id": str(incident.pk),
        "rule": incident.rule,
        "title": str(rule.title) if rule else incident.rule,
        "status": incident.status,
        "severity": incident.severity,
        "subject": incident.subject or None,
        "network": incident.network or None,
        "opened_at": _time(incident.opened_at),
        "updated_at": _time(incident.updated_at),
        "resolved_at": _time(incident.resolved_at),
        "events": incident.events,
        "risk_score": incident.risk_score,
        "risk_reasons": incident.risk_reasons,
        "evidence": incident.evidence,
        "rule_version": incident.rule_version,
        "responses": [_response_body(each) for each in sorted(incident.responses.all(), key=lambda row: row.pk)],
        "verdict": incident.verdict or None,
        "note": incident.note,
    }


def timeline_body(entries: Sequence[TimelineEntry], *, limit: int, events_path: str) -> dict[str, Any]:
    """Return a page of events. ``events_path`` is that of the list of events."""
    following = str(entries[limit - 1].event_id) if len(entries) > limit else None
    return {"results": [_entry_body(each, events_path) for each in entries[:limit]], "next": following}


def _entry_body(entry: TimelineEntry, events_path: str) -> dict[str, Any]:
    event = entry.event
    return {
        "id": str(entry.event_id),
        "occurred_at": _time(entry.at),
        "type": event.type if event else None,
        "severity": event.severity if event else None,
        "outcome": event.outcome if event else None,
        "ip_address": (event.ip_address or None) if event else None,
        "actor_id": (event.actor_id or None) if event else None,
        "event": f"{events_path}/{entry.event_id}",
        "proof": f"{events_path}/{entry.event_id}/proof",
    }


def _response_body(row: IncidentResponse) -> dict[str, Any]:
    return {
        "id": str(row.pk),
        "kind": row.kind,
        "started_at": _time(row.started_at),
        "ends_at": _time(row.ends_at),
        "undone_at": _time(row.undone_at),
        "undone_by": row.undone_by or None,
    }


def _time(moment: datetime | None) -> str | None:
    text: str | None = serializers.DateTimeField().to_representation(moment) if moment else None
    return text
