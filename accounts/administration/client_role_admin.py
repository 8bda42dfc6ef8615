"""The admin actions that give roles to service clients and take them."""

from datetime import UTC
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.utils.encoding import force_str
from django.utils.translation import gettext_lazy as _

from accounts.access import selectors
from accounts.access.administration.base import sentence
from accounts.access.errors import AccessError
from accounts.access.permission_types import GRANT_ROLES
from accounts.access.services.decisions import may
from accounts.errors import AccountError
from accounts.rules import subject_facts
from accounts.services.administration import client_roles
from cedrina_base import database_clock
from cedrina_base.reason_form import ReasonForm, confirmation_page
from tokens.errors import TokenError
from tokens.models import ServiceClient
from tokens.service_client_admin import ServiceClientAdmin


class GivenRoleForm(ReasonForm):
    """Which role is given, until when, and why."""

    role = forms.ChoiceField(label=_("Role"), choices=lambda: [(name, name) for name in selectors.all_roles()])
    expires_at = forms.DateTimeField(
        label=_("Until (UTC)"), required=False, help_text=_("Such as 2030-01-31 17:00; empty for no end.")
    )

    def clean_expires_at(self) -> Any:
        given = self.cleaned_data["expires_at"]
        until = None if given is None else given.replace(tzinfo=UTC)
        if until is not None and until <= database_clock.now():
            raise forms.ValidationError(_("This time is over."))
        return until


class TakenRoleForm(ReasonForm):
    """Which role is taken, and why."""

    role = forms.CharField(label=_("Role"), max_length=100)


class RoleHoldingClientAdmin(ServiceClientAdmin):
    """Service clients with their roles, and the actions that change them."""

    list_display = ["name", "scopes_text", "roles_text", "is_enabled", "last_used_at"]
    actions = ["rotate", "disable", "enable", "delete_clients", "give_role", "take_role"]

    @admin.display(description=_("roles"))
    def roles_text(self, client: ServiceClient) -> str:
        return ", ".join(sorted(subject_facts.roles_at(client, database_clock.now()))) or "-"

    def has_give_roles_permission(self, request: Any) -> bool:
        return may(request.user, GRANT_ROLES.name)

    @admin.action(description=_("Give a role"), permissions=["give_roles"])
    def give_role(self, request: Any, queryset: QuerySet[ServiceClient]) -> Any:
        return self._change(request, queryset, GivenRoleForm, client_roles.grant_role, title=_("Give a role"))

    @admin.action(description=_("Take a role"), permissions=["give_roles"])
    def take_role(self, request: Any, queryset: QuerySet[ServiceClient]) -> Any:
        return self._change(request, queryset, TakenRoleForm, client_roles.revoke_role, title=_("Take a role"))

    def _change(self, request: Any, queryset: Any, form_type: Any, service: Any, *, title: Any) -> Any:
        """Show the form of an action, or do it for each chosen client; a refusal becomes a message."""
        clients = list(queryset[:50])
        form = form_type.of(request)
        if not form.is_valid():
            return confirmation_page(
                self, request, form=form, rows=clients, title=title, template="admin/client_role.html"
            )
        for client in clients:
            try:
                service(client_id=client.pk, by=request.user, now=database_clock.now(), **form.cleaned_data)
            except AccessError as error:
                self.message_user(request, f"{client}: {sentence(error)}", messages.ERROR)
            except (AccountError, TokenError) as error:
                self.message_user(request, f"{client}: {force_str(error.message)}", messages.ERROR)
            else:
                text = _("%(client)s: done.") % {"client": client}
                self.message_user(request, text, messages.SUCCESS)
        return None
