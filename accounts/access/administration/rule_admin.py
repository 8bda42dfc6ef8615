"""The admin's pages of rules: each change asks for a reason, and shows first who gains and who loses by it."""

from functools import partial
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.urls import path
from django.utils.translation import gettext_lazy as _

from accounts.access.administration.document_admin import DocumentAdmin
from accounts.access.administration.forms import DAYS, RuleForm
from accounts.access.administration.tester import tester
from accounts.access.models import PolicyRule
from accounts.access.services.policy_changes import PolicyWriter, Versions


class RuleAdmin(DocumentAdmin):
    """All rules."""

    form = RuleForm
    list_display = ["subject", "effect_", "action", "object", "when", "note"]
    list_filter = ["effect"]
    search_fields = ["subject", "object"]
    ordering = ["subject", "object", "action"]
    change_list_template = "access/rules.html"
    change_form_template = "access/rule_form.html"
    fieldsets = [
        (None, {"fields": ["subject", "effect", "action", "object", "note"]}),
        (_("Only if"), {"fields": ["department", "location", "conditions"]}),
        (_("Only then"), {"fields": ["weekdays", "begin", "end", "time_zone", "valid_from", "valid_until"]}),
        (None, {"fields": ["seen_version", "reason"]}),
    ]

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

    def store(self, writer: PolicyWriter, row: PolicyRule, form: Any, *, versions: Versions) -> PolicyRule:
        if versions is None:
            return writer.add_rule(form.document())
        return writer.change_rule(row.pk, form.document(), versions=versions)

    def proposal(self, row: PolicyRule, form: Any, *, is_new: bool) -> dict[str, Any]:
        op = {"op": "add"} if is_new else {"op": "update", "id": str(row.pk)}
        return {**op, "rule": form.document()}

    def remove(self, writer: PolicyWriter, row: PolicyRule) -> None:
        writer.remove_rule(row.pk)

    @admin.action(description=_("Delete rules"), permissions=["delete"])
    def delete_selected(self, request: Any, queryset: QuerySet[PolicyRule]) -> Any:
        return self.delete_rows(request, queryset, title=_("Delete rules"))
