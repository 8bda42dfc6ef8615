"""Incidents in the console: one with what led to it, and what operators do about it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django import forms
from django.http import HttpResponse, JsonResponse
from django.utils import timezone
from django.utils.encoding import force_str

from cedrina.console import access, figures
from cedrina.console.access import json_call
from cedrina.http import problems
from security_events.administration.detection import words
from security_events.administration.detection.incident_form import IncidentForm
from security_events.api.serializers.incidents import incident_body
from security_events.detection import rules
from security_events.detection.errors import VerdictInvalid
from security_events.detection.evidence_words import evidence_counts
from security_events.errors import SecurityEventRefusal
from security_events.models import Incident, IncidentResponse
from security_events.selectors.detection import incidents as selectors
from security_events.selectors.detection.incidents import TimelineEntry
from security_events.selectors.detection.rule_figures import thresholds_at
from security_events.services.detection import incident_changes, responses
from security_events.services.detection.incident_changes import LONGEST_NOTE
from security_events.types import Subject

ENTRIES = 50


class UndoForm(forms.Form):
    """Which response is taken back, and why."""

    response = forms.UUIDField()
    note = forms.CharField(required=False, max_length=LONGEST_NOTE)


@json_call("GET", action="incidents:read")
def incident_call(request: Any, incident_id: UUID) -> HttpResponse:
    """Return one incident with its events, its responses and the counts of its finding."""
    try:
        incident = selectors.incident(incident_id=incident_id)
    except SecurityEventRefusal as error:
        return access.refusal(request, error)
    return JsonResponse(_shown(request, incident, now=timezone.now()))


@json_call("POST", action="incidents:change")
def step_call(request: Any, incident_id: UUID) -> HttpResponse:
    """Acknowledge, resolve or reopen an incident, or write its note: the form of the incident's own page."""
    form = IncidentForm(request.POST)
    if not form.is_valid():
        return access.invalid(request, form)
    try:
        incident_changes.change(incident_id=incident_id, actor=actor_of(request), now=timezone.now(), **form.change())
    except SecurityEventRefusal as error:
        return access.refusal(request, error)
    except VerdictInvalid as error:
        return problems.response(request, "validation_error", detail=force_str(error.sentence))
    return _as_it_is_now(request, incident_id)


@json_call("POST", action="incidents:change")
def undo_call(request: Any, incident_id: UUID) -> HttpResponse:
    """Take a response of an incident back."""
    form = UndoForm(request.POST)
    if not form.is_valid():
        return access.invalid(request, form)
    given = form.cleaned_data
    try:
        responses.undo(
            response_id=given["response"],
            incident_id=incident_id,
            actor=actor_of(request),
            note=given["note"],
            now=timezone.now(),
        )
    except SecurityEventRefusal as error:
        return access.refusal(request, error)
    return _as_it_is_now(request, incident_id)


def actor_of(request: Any) -> Subject:
    """Return the operator as events name them."""
    return Subject(str(request.user.pk), request.user.get_username())


def _as_it_is_now(request: Any, incident_id: UUID) -> HttpResponse:
    figures.INCIDENTS.forget()
    return JsonResponse(_shown(request, selectors.incident(incident_id=incident_id), now=timezone.now()))


def _shown(request: Any, incident: Incident, *, now: datetime) -> dict[str, Any]:
    entries = selectors.timeline_page(incident_id=incident.pk, limit=ENTRIES)[:ENTRIES]
    rule = rules.find(incident.rule)
    thresholds = thresholds_at(rule=rule, version=incident.rule_version) if rule else {}
    rows = sorted(incident.responses.all(), key=lambda row: row.pk)
    ids = {incident.subject, *(row.undone_by for row in rows)}
    ids |= {identity for each in entries if each.event for identity in (each.event.actor_id, each.event.target_id)}
    return {
        "incident": incident_body(incident),
        "version": incident.version,
        "reason": force_str(rule.reason) if rule else "",
        "false_alarms": force_str(rule.false_alarms) if rule else "",
        "counts": [[force_str(name), str(value), least] for name, value, least in _counts(incident, thresholds)],
        "responses": [_response(row, now) for row in rows],
        "timeline": [_entry(each) for each in entries],
        "names": figures.names_of(request.user, ids - {""}),
    }


def _counts(incident: Incident, thresholds: Mapping[str, int]) -> Any:
    return evidence_counts(incident.evidence, thresholds)


def _response(row: IncidentResponse, now: datetime) -> dict[str, Any]:
    return {
        "id": str(row.pk),
        "kind": row.kind,
        "effect": force_str(words.EFFECTS.get(row.kind, "")),
        "ends_at": row.ends_at.isoformat(timespec="seconds") if row.ends_at else None,
        "is_undone": row.undone_at is not None,
        "undone_by": row.undone_by,
        "is_in_force": row.undone_at is None and row.ends_at is not None and row.ends_at > now,
    }


def _entry(entry: TimelineEntry) -> dict[str, Any]:
    event = entry.event
    if event is None:
        return {"id": str(entry.event_id), "occurred_at": entry.at.isoformat(timespec="seconds"), "type": None}
    return {
        "id": str(entry.event_id),
        "occurred_at": event.occurred_at.isoformat(timespec="seconds"),
        "type": event.type,
        "outcome": event.outcome,
        "actor_id": event.actor_id,
        "actor_name": event.actor_name,
        "target_id": event.target_id,
        "ip_address": event.ip_address,
    }
