"""The admin's pages of roles, and of who has which role."""

from typing import Any

from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from accounts.access import selectors
from accounts.access.administration.base import AccessAdmin, named
from accounts.access.administration.document_admin import DocumentAdmin
from accounts.access.administration.forms import RoleForm
from accounts.access.deciding.index import ROLE
from accounts.access.models import Role, RoleGrant
from accounts.access.services.policy_changes import PolicyWriter, Versions

MOST_SHOWN = 50


class RoleAdmin(DocumentAdmin):
    """All stored roles, and on each one's page its rules and who has it."""

    form = RoleForm
    list_display = ["name", "description", "parents_", "separated", "holders"]
    search_fields = ["name", "description"]
    ordering = ["name"]
    change_form_template = "access/role_form.html"
    fieldsets = [(None, {"fields": [*RoleForm.Meta.fields, "seen_version", "reason"]})]

    def get_queryset(self, request: Any) -> QuerySet[Role]:
        counted = RoleGrant.objects.filter(role=OuterRef("name")).order_by().values("role").annotate(n=Count("pk"))
        rows: QuerySet[Role] = super().get_queryset(request)
        return rows.annotate(number_of_holders=Subquery(counted.values("n")))

    @admin.display(description=_("parents"))
    def parents_(self, role: Role) -> str:
        return ", ".join(role.parents) or "-"

    @admin.display(description=_("never together with"))
    def separated(self, role: Role) -> str:
        return ", ".join(role.separation_of_duty) or "-"

    @admin.display(description=_("given to"))
    def holders(self, role: Any) -> int:
        return role.number_of_holders or 0

    def context_of(self, request: Any, object_id: str | None) -> dict[str, Any]:
        """Return the rules of a role, and who has it."""
        name = unquote(object_id) if object_id else ""
        grants = selectors.holders_of(role=name, limit=MOST_SHOWN) if name else []
        names = named(request.user, [grant.subject for grant in grants])
        return {
            "rules": selectors.rules_of(subject=ROLE + name, limit=MOST_SHOWN) if name else [],
            "grants": [(grant, *names[grant.subject]) for grant in grants],
            "most_shown": MOST_SHOWN,
        }

    def store(self, writer: PolicyWriter, row: Role, form: Any, *, versions: Versions) -> Role:
        del row
        return writer.put_role(form.cleaned_data["name"], form.document(), versions=versions)

    def proposal(self, row: Role, form: Any, *, is_new: bool) -> dict[str, Any]:
        del row
        op = "add" if is_new else "update"
        return {"op": op, "role": form.cleaned_data["name"], "definition": form.document()}

    def remove(self, writer: PolicyWriter, row: Role) -> None:
        writer.remove_role(row.name)

    @admin.action(description=_("Delete roles"), permissions=["delete"])
    def delete_selected(self, request: Any, queryset: QuerySet[Role]) -> Any:
        return self.delete_rows(request, queryset, title=_("Delete roles"))


class RoleGrantAdmin(AccessAdmin):
    """Who has which role, and until when. Roles are given and taken on the page of the person."""

    list_display = ["who", "role", "until", "reason", "granted_by_", "granted_at"]
    search_fields = ["subject", "role"]
    ordering = ["-granted_at", "-pk"]
    list_display_links = None

    def get_changelist_instance(self, request: Any) -> Any:
        """Name all subjects of the page by one query."""
        found = super().get_changelist_instance(request)
        rows = list(found.result_list)
        givers = {f"user:{row.granted_by}" for row in rows}
        names = named(request.user, {row.subject for row in rows} | givers)
        for row in rows:
            row.shown, row.giver = names[row.subject], names[f"user:{row.granted_by}"]
        found.result_list = rows
        return found

    @admin.display(description=_("who"))
    def who(self, grant: Any) -> str:
        return _linked(*grant.shown)

    @admin.display(description=_("until"))
    def until(self, grant: RoleGrant) -> Any:
        return f"{grant.expires_at:%Y-%m-%d %H:%M} UTC" if grant.expires_at else _("for good")

    @admin.display(description=_("granted by"))
    def granted_by_(self, grant: Any) -> str:
        name, url = grant.giver
        return _linked(name, url) if url else grant.granted_by or "-"


def _linked(name: str, url: str) -> str:
    return format_html('<a href="{}"><bdi>{}</bdi></a>', url, name) if url else format_html("<bdi>{}</bdi>", name)
