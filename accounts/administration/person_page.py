"""The admin's page of one person: the account at this moment, the actions, and the timeline."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import NoReverseMatch, reverse
from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.translation import gettext

from accounts import selectors
from accounts.access.services.decisions import may
from accounts.administration import person_actions
from accounts.administration.subject_links import links_of_subjects, person_url
from accounts.conf import account_settings
from accounts.models import User
from accounts.rules import subject_facts
from accounts.services.administration import person_overview, person_timeline
from accounts.services.administration.person_timeline import TimelineEntry, TimelineSource
from cedrina_base import database_clock
from security_events.administration.event_data import data_lines
from security_events.models import SecurityEvent
from security_events.types import SubjectLink
from tokens import devices
from tokens.models import Session, SessionKind

ENTRIES = 25


@dataclass(frozen=True, slots=True)
class ShownEntry:
    """One entry of the timeline with what the template shows beside it."""

    entry: TimelineEntry
    device: str
    url: str
    lines: Sequence[tuple[str | Promise, Any]]
    actor: SubjectLink | None  # if somebody else acted
    target: SubjectLink | None  # if it was done to somebody else


def person_page(model_admin: Any, request: Any, user: User) -> Any:
    """Show a person. Each section requires its own permission: sessions, security events, the account."""
    now = database_clock.now()
    before = _cursor(request.GET.get("before", ""))
    if before is None and "before" in request.GET:
        model_admin.message_user(
            request, gettext("This place in the timeline does not exist. Here is its beginning."), messages.WARNING
        )
        return redirect(person_url(user.pk))
    context = {
        **model_admin.admin_site.each_context(request),
        "title": user.username,
        "opts": model_admin.opts,
        "person": user,
        "now": now,
        "erased_after": user.deleted_at + account_settings.DELETION_RETENTION if user.deleted_at else None,
        "actions": person_actions.offered_actions(viewer=request.user, user=user),
        "second_factors": selectors.second_factors(user_id=user.pk),
        "connections": selectors.social_accounts(user_id=user.pk),
        "counters": person_overview.failure_counters(user=user, now=now),
        "waiting": person_overview.waiting_requests(user=user, now=now),
        "roles": sorted(_roles(user, now).items()),
        "origins": selectors.import_origins(user_id=user.pk),
        **_sessions(request, user, now),
        **_timeline(request, user, before),
    }
    return TemplateResponse(request, "admin/person/page.html", context)


def _roles(user: User, now: datetime) -> Mapping[str, datetime | None]:
    """Return the roles that are in force, with their ends."""
    in_force = subject_facts.roles_at(user, now)
    return {name: ends for name, ends in subject_facts.grants_of(user).items() if name in in_force}


def _sessions(request: Any, user: User, now: datetime) -> Mapping[str, Any]:
    if not may(request.user, "sessions:read"):
        return {"shows_sessions": False}
    rows = person_overview.open_sessions(user=user, now=now)
    return {
        "shows_sessions": True,
        "sessions": [(session, _device(session)) for session in rows],
        "may_end_sessions": may(request.user, "sessions:end"),
        "clients": person_overview.known_clients(user=user),
        "sessions_url": f"{reverse('admin:tokens_session_changelist')}?q={user.pk}",
    }


def _device(session: Session) -> str:
    return devices.device_name(session.user_agent, is_admin=session.kind == SessionKind.ADMIN)


def _timeline(request: Any, user: User, before: UUID | None) -> Mapping[str, Any]:
    sources = {TimelineSource.ACCOUNT, TimelineSource.MAIL}
    if may(request.user, "sessions:read"):
        sources.add(TimelineSource.SESSIONS)
    if may(request.user, "events:read"):
        sources.add(TimelineSource.EVENTS)
    if may(request.user, "incidents:read"):
        sources.add(TimelineSource.INCIDENTS)
    page = person_timeline.timeline_page(user=user, sources=sources, before=before, limit=ENTRIES)
    events = [entry.event for entry in page.entries if entry.event]
    others = {identity for event in events for identity in (event.actor_id, event.target_id)} - {"", str(user.pk)}
    links = links_of_subjects(request.user, others)
    return {
        "timeline": [_shown(entry, user, links) for entry in page.entries],
        "next_cursor": page.next_cursor,
        "is_first_page": before is None,
        "shows_events": TimelineSource.EVENTS in sources,
        "events_url": f"{reverse('admin:security_events_securityevent_changelist')}?q={user.pk}",
    }


def _shown(entry: TimelineEntry, user: User, links: Mapping[str, SubjectLink]) -> ShownEntry:
    event = entry.event
    url = ""
    if entry.source is TimelineSource.EVENTS:
        url = reverse("admin:security_events_securityevent_change", args=[entry.id])
    elif entry.source is TimelineSource.INCIDENTS:
        with suppress(NoReverseMatch):  # a project may leave the pages of incidents out
            url = reverse("admin:security_events_incident_change", args=[entry.id])
    elif entry.source is TimelineSource.SESSIONS:
        url = reverse("admin:tokens_session_change", args=[entry.id])
    return ShownEntry(
        entry=entry,
        device=devices.device_name(entry.user_agent) or entry.user_agent[:40],
        url=url,
        lines=_event_lines(event) if event else [(label, _text(value)) for label, value in entry.details],
        actor=_other(event.actor_id, event.actor_name, user, links) if event else None,
        target=_other(event.target_id, event.target_name, user, links) if event else None,
    )


def _event_lines(event: SecurityEvent) -> Sequence[tuple[str | Promise, str]]:
    reasons = [(gettext("reasons"), ", ".join(map(str, event.risk_reasons)))] if event.risk_reasons else []
    return [*reasons, *data_lines(event.data)]


def _text(value: Any) -> str:
    return date_format(value, "DATETIME_FORMAT") if isinstance(value, datetime) else str(value)


def _other(identity: str, name: str, user: User, links: Mapping[str, SubjectLink]) -> SubjectLink | None:
    if identity == str(user.pk) or not (identity or name):
        return None
    return links.get(identity) or SubjectLink(name or identity)


def _cursor(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
