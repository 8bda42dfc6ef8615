"""The admin's pages of security events, which are read-only."""

import ipaddress
from collections.abc import Iterator
from contextlib import suppress
from typing import Any
from uuid import UUID

from django.contrib import admin
from django.db.models import F, Q, QuerySet
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.http import urlencode
from django.utils.translation import gettext_lazy as _

from cedrina_base.read_only_admin import ReadOnlyAdmin
from security_events.administration import event_data, event_list, trail_pages
from security_events.administration.delivery_admin import WebhookDeliveryAdmin
from security_events.administration.event_conditions import EventConditions
from security_events.administration.event_risk import risk_table
from security_events.administration.sink_list import SinkAdmin
from security_events.administration.webhook_admin import WebhookAdmin
from security_events.conf import security_event_settings
from security_events.event_values import pseudonym
from security_events.models import AuditKey, SecurityEvent, Sink, TrailCheckpoint, Webhook, WebhookDelivery
from security_events.selectors.event_pages import event_by_id
from security_events.services.detection.risk_explanation import explain

admin.site.register(Sink, SinkAdmin)
admin.site.register(Webhook, WebhookAdmin)
admin.site.register(WebhookDelivery, WebhookDeliveryAdmin)
admin.site.register(TrailCheckpoint, trail_pages.CheckpointAdmin)
admin.site.register(AuditKey, trail_pages.AuditKeyAdmin)


@admin.register(SecurityEvent)
class SecurityEventAdmin(ReadOnlyAdmin):
    """Lists events, newest first, and shows one. The hook ``LINKS`` names the people behind their ids."""

    list_display = ["moment", "type", "severity", "outcome", "actor", "target", "address"]
    list_display_links = ["moment", "type"]
    # No date_hierarchy: it reads all rows for each page.
    list_filter = [EventConditions]
    ordering = ["-id"]
    search_fields = ["correlation_id"]
    search_help_text = _("A whole id, correlation id, address of the network, username or e-mail address.")
    readonly_fields = (
        "id",
        "moment",
        "type",
        "category",
        "severity",
        "outcome",
        "actor",
        "actor_id",
        "actor_pseudonym",
        "target",
        "target_id",
        "session",
        "family",
        "correlation",
        "address",
        "user_agent",
        "risk_score",
        "reasons",
        "risk",
        "details",
        "public_form",
        "proof",
    )
    fields = readonly_fields

    def get_changelist(self, request: Any, **options: Any) -> Any:
        return event_list.EventList

    def get_object(self, request: Any, object_id: str, from_field: str | None = None) -> SecurityEvent | None:
        """Return one event with the links of its ids."""
        event = super().get_object(request, object_id, from_field)
        if event is not None:
            event.links = event_list.links_of(request.user, [event])
        return event

    def get_search_results(self, request: Any, queryset: QuerySet[Any], search_term: str) -> tuple[QuerySet[Any], bool]:
        """Search columns for the exact term, each by its index: the table is large, and names in it are masked.

        The first of the conditions that finds something decides.
        """
        term = search_term.strip()
        if not term:
            return queryset, False
        for condition in _search_conditions(request, term):
            found = queryset.filter(condition)
            if found.exists():
                return found, False
        return queryset.none(), False

    @admin.display(description=_("occurred at (UTC)"), ordering="id")
    def moment(self, event: SecurityEvent) -> str:
        return f"{event.occurred_at:%Y-%m-%d %H:%M:%S}"

    @admin.display(description=_("actor"))
    def actor(self, event: Any) -> str:
        named = event_list.subject(event.actor_id, event.actor_name, event.links)
        # What nobody signed in for, such as a reused token, still has a session with an owner.
        return named if event.actor_id or event.actor_name else event_list.owner(event, event.links) or named

    @admin.display(description=_("target"))
    def target(self, event: Any) -> str:
        return event_list.subject(event.target_id, event.target_name, event.links)

    @admin.display(description=_("address"))
    def address(self, event: SecurityEvent) -> str:
        return _listed("ip", event.ip_address)

    @admin.display(description=_("session"))
    def session(self, event: Any) -> str:
        return _owned("q", event.session_id, event)

    @admin.display(description=_("token family"))
    def family(self, event: Any) -> str:
        return _owned("q", event.family_id, event)

    @admin.display(description=_("correlation id"))
    def correlation(self, event: SecurityEvent) -> str:
        return _listed("q", event.correlation_id)

    @admin.display(description=_("reasons"))
    def reasons(self, event: SecurityEvent) -> str:
        return ", ".join(map(str, event.risk_reasons)) or "-"

    @admin.display(description=_("risk of the sign-in"))
    def risk(self, event: SecurityEvent) -> str:
        """Show why a sign-in had its risk, in words."""
        explained = explain(event_by_id(event.pk)) if "risk" in event.data else None
        return risk_table(explained) if explained else "-"

    @admin.display(description=_("data"))
    def details(self, event: SecurityEvent) -> str:
        """Show the data as a list of names and values. Both come from clients and operators, so they are escaped."""
        lines = format_html_join("", "<dt>{}</dt><dd><bdi>{}</bdi></dd>", event_data.data_lines(event.data))
        return format_html('<dl class="event-data">{}</dl>', lines) if lines else "-"

    @admin.display(description=_("public form"))
    def public_form(self, event: SecurityEvent) -> str:
        """Show what the API, exports and the sealed trail have of the event."""
        return _folded(event_data.public_form(event.pk))

    @admin.display(description=_("proof"))
    def proof(self, event: SecurityEvent) -> str:
        """Show the proof that the event is in the sealed trail."""
        return _folded(event_data.proof_text(event.pk))


def _folded(text: str) -> str:
    """Return a text in a fixed-width font, which is shown on request if it has several lines."""
    first, _line_end, more = text.partition("\n")
    if not more:
        return format_html("{}", first)
    shown = '<details><summary>{}</summary><pre dir="ltr" class="event-text" tabindex="0">{}</pre></details>'
    return format_html(shown, _("Show"), text)


def _listed(parameter: str, value: Any) -> str:
    """Return a value that leads to the list of all events with it."""
    if not value:
        return "-"
    url = reverse("admin:security_events_securityevent_changelist")
    return format_html('<a href="{}?{}"><bdi>{}</bdi></a>', url, urlencode({parameter: value}), value)


def _owned(parameter: str, identity: UUID | None, event: Any) -> str:
    link = event.links.get(str(identity))
    shown = _listed(parameter, identity)
    return format_html("{} {}", shown, event_list.linked(link)) if link else shown


def _search_conditions(request: Any, term: str) -> Iterator[Q]:
    """Yield the conditions that a term may mean, each with the condition of a partial index."""
    viewer = getattr(request, "user", None)
    with suppress(ValueError):
        yield Q(ip_address=str(ipaddress.ip_address(term)))
    with suppress(ValueError):
        identity = UUID(term)
        yield Q(pk=identity)
    yield _is_about(security_event_settings.SUBJECT_ID(viewer, term) or term)
    with suppress(ValueError):
        identity = UUID(term)
        yield Q(session_id=identity)
        yield Q(family_id=identity)
    yield Q(correlation_id=term) & ~Q(correlation_id="")
    yield Q(actor_pseudonym=pseudonym(term)) & ~Q(actor_pseudonym="")


def _is_about(identity: str) -> Q:
    # The conditions repeat those of the two partial indexes (EVENTS_ABOUT).
    is_actor = Q(actor_id=identity) & ~Q(actor_id="")
    return is_actor | (Q(target_id=identity) & ~Q(target_id="") & ~Q(target_id=F("actor_id")))
