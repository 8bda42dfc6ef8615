"""The admin's pages of rules: each change asks for a reason, and shows first who gains and who loses by it."""

from functools import partial
from typing import Any

from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.shortcuts import redirect
from django.urls import path
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.utils.translation import gettext_lazy as _
from django.views.decorators.csrf import csrf_protect

from accounts.access.administration.base import AccessAdmin, author_of, sentence
from accounts.access.administration.draft_admin import draft_page, make_draft
from accounts.access.administration.forms import DAYS, DRAFT, RuleForm
from accounts.access.administration.tester import tester
from accounts.access.errors import AccessError
from accounts.access.models import PolicyRule
from accounts.access.services.policy_changes import policy_change
from cedrina_base.reason_form import ask_for_reason


class RuleAdmin(AccessAdmin):
    """All rules."""

    form = RuleForm
    list_display = ["subject", "effect_", "action", "object", "when", "note"]
    list_filter = ["effect"]
    search_fields = ["subject", "object"]
    ordering = ["subject", "object", "action"]
    actions = ["delete_selected"]
    change_list_template = "access/rules.html"
    change_form_template = "access/rule_form.html"
    fieldsets = [
        (None, {"fields": ["subject", "effect", "action", "object", "note"]}),
        (_("Only if"), {"fields": ["department", "location", "conditions"]}),
        (_("Only then"), {"fields": ["weekdays", "begin", "end", "time_zone", "valid_from", "valid_until"]}),
        (None, {"fields": ["seen_version", "reason"]}),
    ]

    def has_add_permission(self, request: Any, _obj: Any = None) -> bool:
        return self.has_policy_permission(request)

    def has_change_permission(self, request: Any, _obj: Any = None) -> bool:
        return self.has_policy_permission(request)

    def has_delete_permission(self, request: Any, _obj: Any = None) -> bool:
        return self.has_policy_permission(request)

    def get_urls(self) -> list[Any]:
        """Add the tester's page beside the rules."""
        page = self.admin_site.admin_view(partial(tester, self.admin_site))
        return [path("tester/", page, name="access_policyrule_tester"), *super().get_urls()]

    @admin.display(description=_("effect"))
    def effect_(self, rule: PolicyRule) -> str:
        return str(rule.get_effect_display())

    @admin.display(description=_("only if"))
    def when(self, rule: PolicyRule) -> str:
        """Return in short what must hold besides."""
        parts = [*filter(None, (rule.department, rule.location)), *(each["name"] for each in rule.conditions)]
        if hours := rule.hours:
            days = ", ".join(str(DAYS[day]) for day in hours["weekdays"])
            parts.append(f"{days} {hours['from']}-{hours['until']} {hours['time_zone']}")
        for sign, instant in (("≥", rule.valid_from), ("<", rule.valid_until)):
            if instant:
                parts.append(f"{sign} {instant:%Y-%m-%d %H:%M} UTC")
        return "; ".join(parts) or "-"

    def changeform_view(self, request: Any, *args: Any, **options: Any) -> Any:
        """Show a refusal on the page, beside the input."""
        try:
            return super().changeform_view(request, *args, **options)
        except AccessError as error:
            request.access_refusal = sentence(error)
            return super().changeform_view(request, *args, **options)

    def get_form(self, request: Any, obj: Any = None, change: bool = False, **options: Any) -> Any:
        form: Any = super().get_form(request, obj, change=change, **options)
        form.refusal = getattr(request, "access_refusal", "")
        return form

    def save_model(self, request: Any, obj: Any, form: Any, change: bool) -> None:
        given = form.cleaned_data
        if DRAFT in request.POST:
            op = {"op": "update", "id": str(obj.pk)} if change else {"op": "add"}
            make_draft(request, [{**op, "rule": form.document()}], reason=given["reason"])
            return
        with policy_change(author=author_of(request), reason=given["reason"], now=timezone.now()) as writer:
            if change:
                seen = {given["seen_version"] or 0}
                row = writer.change_rule(obj.pk, form.document(), versions=seen)
            else:
                row = writer.add_rule(form.document())
        obj.pk = row.pk
        obj.refresh_from_db()

    def response_add(self, request: Any, obj: Any, post_url_continue: Any = None) -> Any:
        return draft_page(request) or super().response_add(request, obj, post_url_continue)

    def response_change(self, request: Any, obj: Any) -> Any:
        return draft_page(request) or super().response_change(request, obj)

    @method_decorator(csrf_protect)
    def delete_view(self, request: Any, object_id: str, _extra_context: dict[str, Any] | None = None) -> Any:
        """Delete one rule on the page that asks for the reason, as the action does for several."""
        if not self.has_delete_permission(request):
            raise PermissionDenied
        found = self.get_object(request, unquote(object_id))
        rows = self.get_queryset(request).filter(pk=found.pk) if found else self.get_queryset(request).none()
        page = self.delete_selected(request, rows) if found else None
        return page or redirect("admin:access_policyrule_changelist")

    # In the place of Django's action of this name, which asks for no reason.
    @admin.action(description=_("Delete rules"), permissions=["delete"])
    def delete_selected(self, request: Any, queryset: QuerySet[PolicyRule]) -> Any:
        def delete(row: Any, reason: str) -> bool:
            def change() -> None:
                with policy_change(author=author_of(request), reason=reason, now=timezone.now()) as writer:
                    writer.remove_rule(row.pk)

            return self.attempt(request, change)

        return ask_for_reason(self, request, queryset, title=_("Delete rules"), act=delete)
