"""The list of events, whose ids are named together: one call of the hook ``LINKS`` for a page."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.contrib.admin.views.main import ChangeList
from django.utils.html import format_html

from cedrina_base.read_only_admin import short_id
from cedrina_base.replica_reads import from_replica
from security_events.conf import security_event_settings
from security_events.models import SecurityEvent
from security_events.types import SubjectLink


class EventList(ChangeList):
    """A page of events, each with the links of its ids in ``links``."""

    def get_results(self, request: Any) -> None:
        self._read_page(request)
        links = links_of(request.user, self.result_list)
        for event in self.result_list:
            event.links = links

    @from_replica
    def _read_page(self, request: Any) -> None:
        super().get_results(request)
        self.result_list = list(self.result_list)


def links_of(viewer: Any, events: Iterable[SecurityEvent]) -> Mapping[str, SubjectLink]:
    """Return the names and pages behind all ids of some events."""
    ids = {str(identity) for event in events for identity in ids_of(event) if identity}
    return security_event_settings.LINKS(viewer, ids) if ids else {}


def ids_of(event: SecurityEvent) -> tuple[Any, ...]:
    """Return the ids of an event that a name may stand behind."""
    return event.actor_id, event.target_id, event.session_id, event.family_id


def subject(identity: str, masked_name: str, links: Mapping[str, SubjectLink]) -> str:
    """Return an actor or a target: the name with a link; without one the masked name of the event, or the id."""
    link = links.get(identity)
    if link is None:
        return format_html("<bdi>{}</bdi>", masked_name or (short_id(identity) if identity else "-"))
    return linked(link)


def owner(event: SecurityEvent, links: Mapping[str, SubjectLink]) -> str:
    """Return the person behind the session or the token family of an event; empty if nobody is known."""
    for identity in (event.session_id, event.family_id):
        if str(identity) in links:
            return linked(links[str(identity)])
    return ""


def linked(link: SubjectLink) -> str:
    """Return a name that leads to the page about it."""
    if not link.url:
        return format_html("<bdi>{}</bdi>", link.name)
    return format_html('<a href="{}"><bdi>{}</bdi></a>', link.url, link.name)
