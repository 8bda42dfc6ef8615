"""The admin's pages of roles, and of who has which role."""

from typing import Any

from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from django.views.decorators.csrf import csrf_protect

from accounts.access import selectors
from accounts.access.administration.base import AccessAdmin, author_of, named, sentence
from accounts.access.administration.draft_admin import draft_page, make_draft
from accounts.access.administration.forms import DRAFT, RoleForm
from accounts.access.deciding.index import ROLE
from accounts.access.errors import AccessError
from accounts.access.models import Role, RoleGrant
from accounts.access.services.policy_changes import policy_change
from cedrina_base.reason_form import ask_for_reason

MOST_SHOWN = 50


class RoleAdmin(AccessAdmin):
    """All stored roles, and on each one's page its rules and who has it."""

    form = RoleForm
    list_display = ["name", "description", "parents_", "separated", "holders"]
    search_fields = ["name", "description"]
    ordering = ["name"]
    actions = ["delete_selected"]
    change_form_template = "access/role_form.html"
    fieldsets = [(None, {"fields": [*RoleForm.Meta.fields, "seen_version", "reason"]})]

    def get_queryset(self, request: Any) -> QuerySet[Role]:
        counted = RoleGrant.objects.filter(role=OuterRef("name")).order_by().values("role").annotate(n=Count("pk"))
        rows: QuerySet[Role] = super().get_queryset(request)
        return rows.annotate(number_of_holders=Subquery(counted.values("n")))

    def has_add_permission(self, request: Any, _obj: Any = None) -> bool:
        return self.has_policy_permission(request)

    def has_change_permission(self, request: Any, _obj: Any = None) -> bool:
        return self.has_policy_permission(request)

    def has_delete_permission(self, request: Any, _obj: Any = None) -> bool:
        return self.has_policy_permission(request)

    @admin.display(description=_("parents"))
    def parents_(self, role: Role) -> str:
        return ", ".join(role.parents) or "-"

    @admin.display(description=_("never together with"))
    def separated(self, role: Role) -> str:
        return ", ".join(role.separation_of_duty) or "-"

    @admin.display(description=_("given to"))
    def holders(self, role: Any) -> int:
        return role.number_of_holders or 0

    def changeform_view(
        self, request: Any, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> Any:
        """Show a refusal on the page, beside the input; and the role's rules and holders."""
        name = unquote(object_id) if object_id else ""
        grants = selectors.holders_of(role=name, limit=MOST_SHOWN) if name else []
        names = named(request.user, [grant.subject for grant in grants])
        extra = {
            **(extra_context or {}),
            "rules": selectors.rules_of(subject=ROLE + name, limit=MOST_SHOWN) if name else [],
            "grants": [(grant, *names[grant.subject]) for grant in grants],
            "most_shown": MOST_SHOWN,
        }
        try:
            return super().changeform_view(request, object_id, form_url, extra)
        except AccessError as error:
            request.access_refusal = sentence(error)
            return super().changeform_view(request, object_id, form_url, extra)

    def get_form(self, request: Any, obj: Any = None, change: bool = False, **options: Any) -> Any:
        form: Any = super().get_form(request, obj, change=change, **options)
        form.refusal = getattr(request, "access_refusal", "")
        return form

    def save_model(self, request: Any, obj: Any, form: Any, change: bool) -> None:
        given = form.cleaned_data
        if DRAFT in request.POST:
            op = {"op": "update" if change else "add", "role": given["name"], "definition": form.document()}
            make_draft(request, [op], reason=given["reason"])
            return
        seen = {given["seen_version"] or 0} if change else None
        with policy_change(author=author_of(request), reason=given["reason"], now=timezone.now()) as writer:
            writer.put_role(given["name"], form.document(), versions=seen)
        obj.name = given["name"]
        obj.refresh_from_db()

    def response_add(self, request: Any, obj: Any, post_url_continue: Any = None) -> Any:
        return draft_page(request) or super().response_add(request, obj, post_url_continue)

    def response_change(self, request: Any, obj: Any) -> Any:
        return draft_page(request) or super().response_change(request, obj)

    @method_decorator(csrf_protect)
    def delete_view(self, request: Any, object_id: str, _extra_context: dict[str, Any] | None = None) -> Any:
        """Delete one role on the page that asks for the reason, as the action does for several."""
        if not self.has_delete_permission(request):
            raise PermissionDenied
        rows = self.get_queryset(request).filter(pk=unquote(object_id))
        page = self.delete_selected(request, rows) if rows else None
        return page or redirect("admin:access_role_changelist")

    @admin.action(description=_("Delete roles"), permissions=["delete"])
    def delete_selected(self, request: Any, queryset: QuerySet[Role]) -> Any:
        def delete(row: Any, reason: str) -> bool:
            def change() -> None:
                with policy_change(author=author_of(request), reason=reason, now=timezone.now()) as writer:
                    writer.remove_role(row.name)

            return self.attempt(request, change)

        return ask_for_reason(self, request, queryset, title=_("Delete roles"), act=delete)


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
