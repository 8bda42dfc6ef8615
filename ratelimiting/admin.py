"""The admin of policies: edit them, roll back to a version, and see the figures of policies in shadow mode."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.utils.translation import gettext_lazy as _
from django.views.decorators.csrf import csrf_protect

from cedrina_base.read_only_admin import ReadOnlyAdmin
from cedrina_base.reason_form import ReasonForm, ask_for_reason, confirmation_page, delete_one
from ratelimiting.conf import rate_limiting_settings
from ratelimiting.errors import PolicyInvalid, PolicyNotFound, RateLimitingError
from ratelimiting.forms import PolicyForm
from ratelimiting.models import MODE_CHOICES, PolicyVersion, RateLimitPolicy, ShadowPeriod, TightenedNetwork
from ratelimiting.services import active_policies, policies
from ratelimiting.types import Author

if TYPE_CHECKING:
    from django.db.models import QuerySet

SHOWN = 5


class RateLimitingAdmin(ReadOnlyAdmin):
    """Base of the pages: the setting ``MAY`` says who may see and change rows."""

    show_full_result_count = True  # the tables are small, so counting all rows is cheap

    def has_module_permission(self, request: Any) -> bool:
        return self.has_view_permission(request)

    def has_view_permission(self, request: Any, _obj: Any = None) -> bool:
        return rate_limiting_settings.MAY(request.user, "rate_limits:read")


def _author(request: Any) -> Author:
    return Author(id=str(request.user.pk), name=request.user.get_username())


@admin.register(RateLimitPolicy)
class RateLimitPolicyAdmin(RateLimitingAdmin):
    """Stored policies. They replace the policies of the same names in the settings."""

    form = PolicyForm
    list_display = ["name", "mode", "limit", "window", "algorithm", "counted_by", "version", "updated_at"]
    list_filter = ["mode", "algorithm"]
    search_fields = ["name", "description"]
    ordering = ["name"]
    actions = ["delete_selected"]
    change_list_template = "ratelimiting/policies.html"

    def has_add_permission(self, request: Any, _obj: Any = None) -> bool:
        return self.has_change_permission(request)

    def has_change_permission(self, request: Any, _obj: Any = None) -> bool:
        return rate_limiting_settings.MAY(request.user, "rate_limits:change")

    def has_delete_permission(self, request: Any, _obj: Any = None) -> bool:
        return self.has_change_permission(request)

    @admin.display(description=_("counted by"))
    def counted_by(self, policy: RateLimitPolicy) -> str:
        return ", ".join(policy.scope)

    def changelist_view(self, request: Any, extra_context: dict[str, Any] | None = None) -> Any:
        """Show the policies in the settings below the stored ones."""
        active_policies.refresh()
        found, words = active_policies.current(), dict(MODE_CHOICES)
        shipped = [
            {
                "name": name,
                "mode_word": words[policy.mode],
                "limit": policy.limit,
                "window": policy.window,
                "scope": policy.scope,
                "routes": policy.match.routes,
            }
            for name, policy in sorted(found.policies.items())
            if found.sources[name] != active_policies.DATABASE
        ]
        return super().changelist_view(request, {**(extra_context or {}), "shipped": shipped})

    def get_changeform_initial_data(self, request: Any) -> dict[str, Any]:
        """Fill the form with the policy that will be replaced, if the URL names one."""
        replaced = active_policies.current().policies.get(request.GET.get("name", ""))
        if replaced is None:
            return dict(super().get_changeform_initial_data(request))
        document = replaced.document()
        return {**document.pop("match"), **document}

    def changeform_view(self, request: Any, *args: Any, **options: Any) -> Any:
        """Show a refusal as a message on the page, such as a concurrent change."""
        try:
            return super().changeform_view(request, *args, **options)
        except RateLimitingError as error:
            self.message_user(request, str(error.message), messages.ERROR)
            request.method = "GET"
            return super().changeform_view(request, *args, **options)

    def save_model(self, request: Any, obj: Any, form: Any, change: bool) -> None:
        author, reason = _author(request), form.cleaned_data["reason"]
        if change:
            seen = frozenset({form.cleaned_data["seen_version"] or 0})
            row = policies.change(
                policy_id=obj.pk,
                document=form.document(),
                versions=seen,
                author=author,
                reason=reason,
                now=timezone.now(),
            )
        else:
            row = policies.create(document=form.document(), author=author, reason=reason, now=timezone.now())
        obj.pk = row.pk
        obj.refresh_from_db()

    @method_decorator(csrf_protect)
    def delete_view(self, request: Any, object_id: str, _extra_context: dict[str, Any] | None = None) -> Any:
        """Delete one policy on the page that asks for the reason, as the action does for several."""
        return delete_one(self, request, object_id)

    # In the place of Django's action of this name, which asks for no reason.
    @admin.action(description=_("Delete policies"), permissions=["delete"])
    def delete_selected(self, request: Any, queryset: QuerySet[RateLimitPolicy]) -> Any:
        def delete(row: Any, reason: str) -> bool:
            try:
                policies.delete(
                    policy_id=row.pk, versions=None, author=_author(request), reason=reason, now=timezone.now()
                )
            except PolicyNotFound:  # deleted by somebody else meanwhile
                return False
            return True

        return ask_for_reason(self, request, queryset, title=_("Delete policies"), act=delete)


@admin.register(PolicyVersion)
class PolicyVersionAdmin(RateLimitingAdmin):
    """The versions: what was changed, by whom and why."""

    list_display = ["number", "change", "policy", "author", "reason", "created_at"]
    list_filter = ["change"]
    search_fields = ["policy", "author", "reason"]
    ordering = ["-number"]
    actions = ["roll_back"]

    def has_roll_back_permission(self, request: Any) -> bool:
        return rate_limiting_settings.MAY(request.user, "rate_limits:change")

    @admin.action(description=_("Roll back to this version"), permissions=["roll_back"])
    def roll_back(self, request: Any, queryset: QuerySet[PolicyVersion]) -> Any:
        if len(queryset) != 1:
            self.message_user(request, _("Choose one version."), messages.ERROR)
            return None
        version = queryset[0]
        form = ReasonForm.of(request)
        if form.is_valid():
            try:
                made = policies.rollback(
                    number=version.number,
                    author=_author(request),
                    reason=form.cleaned_data["reason"],
                    now=timezone.now(),
                )
            except PolicyInvalid as error:
                for fault in error.faults:
                    self.message_user(request, str(fault), messages.ERROR)
                return None
            self.message_user(request, _("This is version %(number)d now.") % {"number": made.number}, messages.SUCCESS)
            return None
        return confirmation_page(
            self,
            request,
            form=form,
            rows=queryset,
            title=_("Roll back to this version"),
            template="ratelimiting/rollback.html",
        )


@admin.register(ShadowPeriod)
class ShadowPeriodAdmin(RateLimitingAdmin):
    """What policies in shadow mode would have refused, hour by hour."""

    list_display = ["policy", "began_at", "refused", "for_whom"]
    list_filter = ["policy"]
    ordering = ["-began_at", "policy"]

    @admin.display(description=_("for whom"))
    def for_whom(self, row: ShadowPeriod) -> str:
        shown = list(row.keys.values())[:SHOWN]
        return "; ".join(f"{' '.join(f'{k}={v}' for k, v in key['parts'].items())} ({key['refused']})" for key in shown)


@admin.register(TightenedNetwork)
class TightenedNetworkAdmin(RateLimitingAdmin):
    """Networks whose strangers have lower limits. The page of the incident takes that back."""

    list_display = ["network", "reason", "began_at", "ends_at"]
    search_fields = ["network"]
    ordering = ["-began_at"]
