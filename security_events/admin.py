"""The admin's pages of security events, which are read-only."""

import ipaddress
import json
from contextlib import suppress
from typing import Any
from uuid import UUID

from django.contrib import admin
from django.db.models import F, Q, QuerySet
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from cedrina_base.read_only_admin import ReadOnlyAdmin
from security_events.event_values import pseudonym
from security_events.models import SecurityEvent


@admin.register(SecurityEvent)
class SecurityEventAdmin(ReadOnlyAdmin):
    """Lists events, newest first, and shows one."""

    list_display = ["moment", "type", "severity", "outcome", "actor_name", "target_name", "ip_address"]
    list_display_links = ["moment", "type"]
    # No date_hierarchy: it reads all rows for each page.
    list_filter = ["occurred_at", "severity", "outcome", "category", "type"]
    ordering = ["-id"]
    search_fields = ["correlation_id"]
    search_help_text = _("An id, a correlation id, an address of the network, or a whole name that nobody here has.")
    readonly_fields = (
        "id",
        "occurred_at",
        "type",
        "category",
        "severity",
        "outcome",
        "actor",
        "actor_pseudonym",
        "target",
        "session_id",
        "family_id",
        "correlation_id",
        "ip_address",
        "user_agent",
        "risk_score",
        "reasons",
        "details",
    )
    fields = readonly_fields

    def get_search_results(self, request: Any, queryset: QuerySet[Any], search_term: str) -> tuple[QuerySet[Any], bool]:
        """Search columns for the exact term: the table is large, and names in it are masked.

        An event and the events about somebody are found by indexes; anything else reads all events of the months that
        the filters leave.
        """
        term = search_term.strip()
        if not term:
            return queryset, False
        for indexed in _indexed_conditions(term):
            found = queryset.filter(indexed)
            if found.exists():
                return found, False
        condition = Q(correlation_id=term) | Q(actor_pseudonym=pseudonym(term))
        with suppress(ValueError):
            identity = UUID(term)
            condition |= Q(session_id=identity) | Q(family_id=identity)
        with suppress(ValueError):
            condition |= Q(ip_address=str(ipaddress.ip_address(term)))
        return queryset.filter(condition), False

    @admin.display(description=_("occurred at (UTC)"), ordering="id")
    def moment(self, event: SecurityEvent) -> str:
        return f"{event.occurred_at:%Y-%m-%d %H:%M:%S}"

    @admin.display(description=_("actor"))
    def actor(self, event: SecurityEvent) -> str:
        return _named(event.actor_name, event.actor_id)

    @admin.display(description=_("target"))
    def target(self, event: SecurityEvent) -> str:
        return _named(event.target_name, event.target_id)

    @admin.display(description=_("reasons"))
    def reasons(self, event: SecurityEvent) -> str:
        return ", ".join(event.risk_reasons)

    @admin.display(description=_("data"))
    def details(self, event: SecurityEvent) -> str:
        return format_html("<pre>{}</pre>", json.dumps(event.data, indent=2, ensure_ascii=False))


def _named(name: str, identity: str) -> str:
    return f"{name} ({identity})" if name and identity else name or identity or "-"


def _indexed_conditions(term: str) -> list[Q]:
    # The conditions repeat those of the two partial indexes (EVENTS_ABOUT).
    is_actor = Q(actor_id=term) & ~Q(actor_id="")
    is_target_of_another = Q(target_id=term) & ~Q(target_id="") & ~Q(target_id=F("actor_id"))
    conditions = [is_actor | is_target_of_another]
    with suppress(ValueError):
        conditions.append(Q(pk=UUID(term)))
    return conditions
