"""The page of the console, its figures and the tickets of its sockets."""

import json
from typing import Any
from uuid import UUID

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.encoding import force_str
from django.utils.translation import get_language, gettext
from django.views.decorators.http import require_safe

from accounts.access.services.decisions import may
from accounts.administration import admin_sessions
from cedrina.console import access, figures
from cedrina.console.access import json_call
from cedrina.console.words import words
from cedrina.http import problems
from security_events.administration.detection.words import severity_names
from security_events.catalogue import CATALOGUE
from security_events.selectors.event_filters import SEVERITIES
from security_events.types import Severity
from tokens.services import websocket_tickets

_RIGHTS = {
    "events": "events:read",
    "incidents": "incidents:read",
    "sessions": "sessions:read",
    "jobs": "jobs:read",
    "rules": "detection_rules:read",
    "policies": "rate_limits:read",
    "mayChangeIncidents": "incidents:change",
    "mayChangeRules": "detection_rules:change",
    "mayEndSessions": "sessions:end",
}


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """Show the console to members of the staff who may read events or incidents."""
    return admin.site.admin_view(_page)(request)


def _page(request: Any) -> HttpResponse:
    if not access.may_open(request.user):
        raise PermissionDenied
    rights = {name: may(request.user, action) for name, action in _RIGHTS.items()}
    context = {
        **admin.site.each_context(request),
        "title": gettext("Console"),
        "rights": rights,
        "is_nav_sidebar_enabled": False,
        "severities": _severities(),
        "types": sorted(CATALOGUE),
        "settings": json.dumps({"rights": rights, "urls": _urls(), "language": get_language(), "words": words()}),
    }
    return TemplateResponse(request, "admin/console/page.html", context)


def _severities() -> list[tuple[str, str]]:
    """Return what the events can be filtered by: each severity, and each with those above it."""
    names = {str(level): force_str(name) for level, name in severity_names().items()}
    above = gettext("%(severity)s and above")
    return [
        (level, above % {"severity": names[level.removesuffix("+")]} if level.endswith("+") else names[level])
        for level in SEVERITIES
        if level != f"{Severity.CRITICAL}+"
    ]


def _urls() -> dict[str, str]:
    """Return the addresses that scripts call. ``0`` stands for an id."""
    nobody = UUID(int=0)
    return {
        "figures": reverse("console-figures"),
        "ticket": reverse("console-ticket"),
        "events": reverse("console-events"),
        "event": reverse("console-event", args=[nobody]),
        "incident": reverse("console-incident", args=[nobody]),
        "incidentStep": reverse("console-incident-step", args=[nobody]),
        "undo": reverse("console-undo", args=[nobody]),
        "endSessions": reverse("console-end-sessions", args=[nobody]),
        "rule": reverse("console-rule", args=["RULE"]),
        "confirm": reverse("admin:confirm"),
        "signIn": f"{reverse('admin:login')}?next={reverse('console')}",
        "incidentPage": reverse("admin:security_events_incident_change", args=[nobody]),
        "eventPage": reverse("admin:security_events_securityevent_change", args=[nobody]),
        "rulePage": reverse("admin:security_events_ruleversion_change", args=["RULE"]),
    }


@json_call("GET")
def figures_call(request: Any) -> HttpResponse:
    """Return the figures that the viewer may see. All open consoles of a process share what was read."""
    return JsonResponse(figures.figures_of(request.user, now=timezone.now()))


@json_call("POST")
def ticket_call(request: Any) -> HttpResponse:
    """Return a ticket for one socket of this session of the admin."""
    session_id = admin_sessions.session_id_of(request)
    ticket = None
    if session_id is not None:
        ticket = websocket_tickets.issue_to_admin_session(
            session_id=session_id, user_id=request.user.pk, now=timezone.now()
        )
    if ticket is None:
        return problems.response(request, "authentication_required")
    return JsonResponse({"ticket": ticket, "expires_in": int(websocket_tickets.LIFETIME.total_seconds())})
