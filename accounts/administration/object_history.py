"""The history of an object of the admin: the security events about it."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any
from uuid import UUID

from django.db.models import Q
from django.template.response import TemplateResponse
from django.utils.text import capfirst
from django.utils.translation import gettext

from accounts.access.services.decisions import may
from ratelimiting.models import PolicyVersion, RateLimitPolicy
from security_events.administration.event_data import data_lines
from security_events.administration.event_list import links_of, owner, subject
from security_events.models import SecurityEvent
from security_events.selectors import events
from tokens.models import Session, TokenFamily

ENTRIES = 50
_POLICY_CHANGED = "ratelimit.policy_changed"


def history_page(site: Any, request: Any, model_admin: Any, shown: Any) -> TemplateResponse:
    """Return a page of the events about an object, newest first, if the viewer may see events."""
    is_allowed = may(request.user, "events:read")
    before = _cursor(request.GET.get("before", ""))
    found = events_of(shown, before=before, limit=ENTRIES + 1) if is_allowed else []
    links = links_of(request.user, found)
    entries = [
        {
            "event": event,
            "actor": subject(event.actor_id, event.actor_name, links) if event.actor_id else owner(event, links) or "-",
            "lines": data_lines(event.data),
        }
        for event in found[:ENTRIES]
    ]
    context = {
        **site.each_context(request),
        "title": gettext("History: %(name)s") % {"name": shown},
        "opts": model_admin.opts,
        "module_name": capfirst(str(model_admin.opts.verbose_name_plural)),
        "object": shown,
        "is_allowed": is_allowed,
        "entries": entries,
        "is_first_page": before is None,
        "next_cursor": found[ENTRIES - 1].pk if len(found) > ENTRIES else None,
    }
    return TemplateResponse(request, "admin/object_history.html", context)


def events_of(shown: Any, *, before: UUID | None = None, limit: int) -> Sequence[SecurityEvent]:
    """Return the latest events about an object, newest first.

    Events name most objects as their target, by the primary key or by ``event_subject_id`` of the object.
    """
    if isinstance(shown, Session):
        return events.events_where(condition=Q(session_id=shown.pk), before=before, limit=limit)
    if isinstance(shown, TokenFamily):
        return events.events_where(condition=Q(family_id=shown.pk), before=before, limit=limit)
    if isinstance(shown, RateLimitPolicy | PolicyVersion):
        name = shown.name if isinstance(shown, RateLimitPolicy) else shown.policy
        return events.events_where(condition=Q(type=_POLICY_CHANGED, data__policy=name), before=before, limit=limit)
    identity = getattr(shown, "event_subject_id", str(shown.pk))
    return events.events_about(subject_id=identity, before=before, limit=limit)


def _cursor(text: str) -> UUID | None:
    with suppress(ValueError):
        return UUID(text)
    return None
