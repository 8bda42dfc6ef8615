"""The admin's page of one incident: what was found, what was done about it, its events, and what is decided."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.encoding import force_str
from django.utils.translation import gettext

from security_events.administration import event_data, event_list
from security_events.administration.detection import words
from security_events.administration.detection.incident_form import IncidentForm
from security_events.conf import security_event_settings
from security_events.detection import rules
from security_events.detection.errors import VerdictInvalid
from security_events.detection.evidence_words import evidence_counts
from security_events.errors import SecurityEventRefusal
from security_events.models import Incident, IncidentResponse
from security_events.selectors.detection import incidents as selectors
from security_events.selectors.detection.incidents import TimelineEntry
from security_events.selectors.detection.rule_figures import thresholds_at
from security_events.services.detection import incident_changes, responses
from security_events.types import IncidentStatus, Subject, SubjectLink

ENTRIES = 25
_CHANGE = "security_events.change_incident"
_READ_EVENTS = "security_events.view_securityevent"
_READ_RULES = "security_events.view_ruleversion"


@dataclass(frozen=True, slots=True)
class ShownResponse:
    """A response with what it does; it can be undone while it is in force."""

    row: IncidentResponse
    effect: Any
    is_in_force: bool
    undone_by: str


@dataclass(frozen=True, slots=True)
class ShownEvent:
    """An event of the timeline: who, and where it is shown; without an address for those who may not read events."""

    entry: TimelineEntry
    url: str
    actor: str


def incident_page(model_admin: Any, request: Any, incident: Incident) -> Any:
    """Show an incident; a request by POST changes it or takes a response back."""
    own_url = reverse("admin:security_events_incident_change", args=[incident.pk])
    form = IncidentForm.about(incident)
    if request.method == "POST":
        if not request.user.has_perm(_CHANGE):
            raise PermissionDenied
        is_undo = "undo" in request.POST
        form = form if is_undo else IncidentForm(request.POST)
        if is_undo or form.is_valid():
            _act(model_admin, request, incident, None if is_undo else form)
            return redirect(own_url)
    before = _cursor(request.GET.get("before", ""))
    now = timezone.now()
    context = {
        **model_admin.admin_site.each_context(request),
        "title": words.title_of(incident.rule),
        "opts": model_admin.opts,
        "media": model_admin.media,
        "incident": incident,
        "form": form,
        "may_change": request.user.has_perm(_CHANGE),
        "is_resolved": incident.status == IncidentStatus.RESOLVED,
        "is_open": incident.status == IncidentStatus.OPEN,
        "severity": words.severity_badge(incident.severity),
        "status": words.status_badge(incident.status),
        "verdict": words.verdict_words(incident.verdict),
        **_finding(request, incident),
        **_shown(request, incident, before, now),
    }
    return TemplateResponse(request, "security_events/incident.html", context)


def _act(model_admin: Any, request: Any, incident: Incident, form: IncidentForm | None) -> None:
    actor, now = Subject(str(request.user.pk), request.user.get_username()), timezone.now()
    try:
        if form is None:
            response_id = _cursor(request.POST["undo"]) or UUID(int=0)
            responses.undo(response_id=response_id, incident_id=incident.pk, actor=actor, now=now)
            text = gettext("The response was taken back.")
        else:
            incident_changes.change(incident_id=incident.pk, actor=actor, now=now, **form.change())
            text = gettext("The incident was changed.")
    except SecurityEventRefusal as error:
        model_admin.message_user(request, force_str(error.message), messages.ERROR)
    except VerdictInvalid as error:
        model_admin.message_user(request, force_str(error.sentence), messages.ERROR)
    else:
        model_admin.message_user(request, text, messages.SUCCESS)


def _finding(request: Any, incident: Incident) -> Mapping[str, Any]:
    rule = rules.find(incident.rule)
    thresholds = thresholds_at(rule=rule, version=incident.rule_version) if rule else {}
    rule_url = ""
    if rule and request.user.has_perm(_READ_RULES):
        rule_url = reverse("admin:security_events_ruleversion_change", args=[rule.id])
    return {
        "rule": rule,
        "rule_url": rule_url,
        "counts": evidence_counts(incident.evidence, thresholds),
        "reasons": [_reason(each) for each in incident.risk_reasons if isinstance(each, dict)],
        "network_url": f"{reverse('admin:security_events_incident_changelist')}?q={incident.network}",
    }


def _reason(reason: Mapping[str, Any]) -> tuple[str, str, str]:
    """Return the factor, the weight and the evidence of a part of the risk as text."""
    evidence = reason.get("evidence", "")
    if isinstance(evidence, dict):
        evidence = ", ".join(f"{name} {value}" for name, value in event_data.data_lines(evidence))
    return str(reason.get("factor", "")), str(reason.get("weight", "")), str(evidence)


def _shown(request: Any, incident: Incident, before: UUID | None, now: datetime) -> Mapping[str, Any]:
    entries = selectors.timeline_page(incident_id=incident.pk, before=before, limit=ENTRIES)
    rows = list(incident.responses.order_by("pk"))
    ids = {incident.subject, *(row.undone_by for row in rows)}
    ids |= {identity for each in entries if each.event for identity in (each.event.actor_id, each.event.target_id)}
    links = security_event_settings.LINKS(request.user, ids - {""}) if ids - {""} else {}
    may_read = request.user.has_perm(_READ_EVENTS)
    return {
        "subject": event_list.subject(incident.subject, "", links) if incident.subject else "",
        "responses": [_response(row, links, now) for row in rows],
        "timeline": [_event(each, links, may_read=may_read) for each in entries[:ENTRIES]],
        "next_cursor": entries[ENTRIES - 1].event_id if len(entries) > ENTRIES else None,
        "is_first_page": before is None,
    }


def _response(row: IncidentResponse, links: Mapping[str, SubjectLink], now: datetime) -> ShownResponse:
    is_in_force = row.undone_at is None and row.ends_at is not None and row.ends_at > now
    undone_by = event_list.subject(row.undone_by, "", links) if row.undone_by else ""
    return ShownResponse(row, words.EFFECTS.get(row.kind, ""), is_in_force, undone_by)


def _event(entry: TimelineEntry, links: Mapping[str, SubjectLink], *, may_read: bool) -> ShownEvent:
    event = entry.event
    is_linked = may_read and event is not None
    url = reverse("admin:security_events_securityevent_change", args=[entry.event_id]) if is_linked else ""
    if event is None:
        return ShownEvent(entry, url, "")
    identity, name = (event.actor_id, event.actor_name) if event.actor_id or event.actor_name else (event.target_id, "")
    return ShownEvent(entry, url, event_list.subject(identity, name, links) if identity or name else "")


def _cursor(text: str) -> UUID | None:
    try:
        return UUID(hex=text)
    except ValueError:
        return None
