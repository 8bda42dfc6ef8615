"""The admin's list of incidents: filters, a search by account or network, and one action."""

from __future__ import annotations

import ipaddress
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.contrib import admin, messages
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import PermissionDenied
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.utils.encoding import force_str
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from django.views.decorators.csrf import csrf_protect

from cedrina_base.read_only_admin import ReadOnlyAdmin
from cedrina_base.reason_form import MOST_ROWS
from security_events.administration import event_list
from security_events.administration.detection import incident_page, words
from security_events.conf import security_event_settings
from security_events.detection import rules
from security_events.detection.errors import IncidentNotFound
from security_events.errors import SecurityEventRefusal
from security_events.models.detection import STATUS_NAMES
from security_events.services.detection import incident_changes
from security_events.types import IncidentStatus, Severity, Subject

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django.db.models import QuerySet

    from security_events.models import Incident

CHANGE = "security_events.change_incident"
_UNRESOLVED = "unresolved"


class StatusFilter(admin.SimpleListFilter):
    title = _("status")
    parameter_name = "status"

    def lookups(self, _request: Any, _model_admin: Any) -> Sequence[tuple[str, Any]]:
        return [(_UNRESOLVED, _("not resolved")), *STATUS_NAMES.items()]

    def queryset(self, _request: Any, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value()
        if value == _UNRESOLVED:
            return queryset.filter(status__in=[IncidentStatus.OPEN, IncidentStatus.ACKNOWLEDGED])
        return queryset.filter(status=value) if value else queryset


class SeverityFilter(admin.SimpleListFilter):
    title = _("severity")
    parameter_name = "severity"

    def lookups(self, _request: Any, _model_admin: Any) -> Sequence[tuple[str, Any]]:
        return [(level, name) for level, name in words.severity_names().items() if level != Severity.INFO]

    def queryset(self, _request: Any, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(severity=self.value()) if self.value() else queryset


class RuleFilter(admin.SimpleListFilter):
    title = _("rule")
    parameter_name = "rule"

    def lookups(self, _request: Any, _model_admin: Any) -> Sequence[tuple[str, Any]]:
        return [(rule.id, rule.title) for rule in rules.in_order()]

    def queryset(self, _request: Any, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(rule=self.value()) if self.value() else queryset


class IncidentList(ChangeList):
    """A page of incidents whose subjects are named together, by one call of the hook ``LINKS``."""

    def get_results(self, request: Any) -> None:
        super().get_results(request)
        self.result_list = list(self.result_list)
        subjects = {row.subject for row in self.result_list if row.subject}
        links = security_event_settings.LINKS(request.user, subjects) if subjects else {}
        for row in self.result_list:
            row.links = links


class IncidentAdmin(ReadOnlyAdmin):
    """Incidents, the newest first. Operators acknowledge several here, and decide about one on its page."""

    list_display = ["moment", "title_text", "about", "network", "events", "risk_score"]
    list_display_links = ["moment", "title_text"]
    list_filter = [StatusFilter, SeverityFilter, RuleFilter]
    ordering = ["-id"]
    search_fields = ["subject"]
    search_help_text = _("A whole id, username, e-mail address, address or network.")
    actions = ["acknowledge"]

    class Media:
        css = {"all": ["security_events/detection.css"]}

    def has_change_incidents_permission(self, request: Any) -> bool:
        """Return whether the action is offered: Django asks by its name."""
        return bool(request.user.has_perm(CHANGE))

    def get_changelist(self, request: Any, **options: Any) -> Any:
        return IncidentList

    def get_search_results(self, request: Any, queryset: QuerySet[Any], search_term: str) -> tuple[QuerySet[Any], bool]:
        """Search an id of an incident or an account, a name, a network, or an address in it; each by its index."""
        term = search_term.strip()
        if not term:
            return queryset, False
        with suppress(ValueError):
            return queryset.filter(network__in=_networks(term)), False
        with suppress(ValueError):
            found = queryset.filter(pk=UUID(term))
            if found.exists():
                return found, False
        subject = security_event_settings.SUBJECT_ID(request.user, term) or term
        return queryset.filter(subject=subject), False

    @method_decorator(csrf_protect)
    def change_view(
        self, request: Any, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> Any:
        """Show an incident with what can be done about it, or do it."""
        del form_url, extra_context
        if not self.has_view_permission(request):
            raise PermissionDenied
        incident = self.get_object(request, object_id)
        if incident is None:
            self.message_user(request, force_str(IncidentNotFound.message), messages.WARNING)
            return redirect("admin:security_events_incident_changelist")
        return incident_page.incident_page(self, request, incident)

    @admin.display(description=_("opened at (UTC)"), ordering="id")
    def moment(self, incident: Incident) -> str:
        return f"{incident.opened_at:%Y-%m-%d %H:%M:%S}"

    @admin.display(description=_("incident"))
    def title_text(self, incident: Incident) -> str:
        """Show the severity and the status below the title, so that phones show them without scrolling."""
        badges = words.severity_badge(incident.severity), words.status_badge(incident.status)
        return format_html("{}<br>{} {}", words.title_of(incident.rule), *badges)

    @admin.display(description=_("account"))
    def about(self, incident: Any) -> str:
        return event_list.subject(incident.subject, "", incident.links)

    @admin.action(description=_("Acknowledge"), permissions=["change_incidents"])
    def acknowledge(self, request: Any, queryset: QuerySet[Incident]) -> None:
        done, actor, now = 0, Subject(str(request.user.pk), request.user.get_username()), timezone.now()
        rows = queryset.filter(status=IncidentStatus.OPEN).values_list("pk", flat=True)
        for incident_id in rows[:MOST_ROWS]:
            try:
                incident_changes.change(
                    incident_id=incident_id, status=IncidentStatus.ACKNOWLEDGED, actor=actor, now=now
                )
            except SecurityEventRefusal as error:
                self.message_user(request, force_str(error.message), messages.ERROR)
            else:
                done += 1
        text = ngettext("%(count)d incident was acknowledged.", "%(count)d incidents were acknowledged.", done)
        self.message_user(request, text % {"count": done}, messages.SUCCESS if done else messages.WARNING)


def _networks(term: str) -> list[str]:
    """Return the network that a term is, or those that an address is in.

    Raises: ValueError, if it is neither.
    """
    if "/" in term:
        return [str(ipaddress.ip_network(term, strict=False))]
    address = ipaddress.ip_address(term)
    width = 24 if address.version == 4 else 48
    return [str(ipaddress.ip_network(f"{address}/{width}", strict=False)), str(address)]
