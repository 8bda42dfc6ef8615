"""The admin of policies: edit them, roll back to a version, and see the figures of policies in shadow mode."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin, messages
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cedrina_base.read_only_admin import ReadOnlyAdmin
from cedrina_base.reason_form import ReasonForm, confirmation_page, reason_field
from ratelimiting.conf import rate_limiting_settings
from ratelimiting.errors import PolicyChanged, PolicyInvalid, RateLimitingError
from ratelimiting.models import MODE_CHOICES, PolicyVersion, RateLimitPolicy, ShadowPeriod, all_routes
from ratelimiting.policy_schema import MATCH_MEMBERS, MEMBERS
from ratelimiting.services import active_policies, policies
from ratelimiting.types import Author

if TYPE_CHECKING:
    from django.db.models import QuerySet

    PolicyModelForm = forms.ModelForm[RateLimitPolicy]
else:
    PolicyModelForm = forms.ModelForm  # generic in the type stubs only

SHOWN = 5


class CommaSeparatedField(forms.CharField):
    """A list of words, separated by commas."""

    def __init__(self, **options: Any) -> None:
        options.pop("encoder", None)
        options.pop("decoder", None)
        super().__init__(widget=forms.TextInput(attrs={"class": "vTextField", "dir": "ltr"}), **options)

    def to_python(self, value: Any) -> Any:
        return [word.strip() for word in str(value or "").split(",") if word.strip()]

    def prepare_value(self, value: Any) -> Any:
        return ", ".join(map(str, value)) if isinstance(value, list) else value

    def has_changed(self, initial: Any, data: Any) -> bool:
        return bool((initial or []) != self.to_python(data))


class PolicyForm(PolicyModelForm):
    """A policy as text and numbers. Its schema validates it, in the same words as for every other source."""

    scope = CommaSeparatedField(
        label=_("Counted by"), help_text=_("global, or any of tier, user, ip, endpoint; with commas")
    )
    routes = CommaSeparatedField(
        label=_("Routes"),
        required=False,
        initial=all_routes,
        help_text=_("Names of routes, * for any; none where only services ask"),
    )
    methods = CommaSeparatedField(label=_("Methods"), required=False, help_text=_("GET, POST and so on; none for any"))
    unless = CommaSeparatedField(
        label=_("Unless"), required=False, help_text=_("Policies in whose place this one does not apply")
    )
    # Without bounds of their own: the schema of policies has them.
    name = forms.CharField(label=_("name"))
    description = forms.CharField(label=_("description"), required=False)
    limit = forms.IntegerField(label=_("limit"))
    window = forms.IntegerField(label=_("window in seconds"))
    burst = forms.IntegerField(label=_("burst"), required=False)
    cost = forms.IntegerField(label=_("cost of a request"), initial=1)
    tier = forms.CharField(label=_("Tier"), required=False, empty_value=None)
    seen_version = forms.IntegerField(widget=forms.HiddenInput, required=False)
    reason = reason_field()

    class Meta:
        model = RateLimitPolicy
        fields = (
            "name",
            "description",
            "algorithm",
            "limit",
            "window",
            "burst",
            "scope",
            "routes",
            "methods",
            "tier",
            "unless",
            "mode",
            "cost",
            "on_store_failure",
        )

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        if self.instance.pk and not self.instance._state.adding:
            self.fields["seen_version"].initial = self.instance.version

    def document(self) -> dict[str, Any]:
        """Return the policy as its schema describes it."""
        given = self.cleaned_data
        return {
            **{name: given[name] for name in MEMBERS if name in given},
            "match": {name: given[name] for name in MATCH_MEMBERS if name in given},
        }

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        seen = cleaned.get("seen_version")
        if seen and seen != self.instance.version:
            # As an error of the form, so that the input is not lost.
            self.add_error(None, PolicyChanged.message)
        if not self.errors:
            try:
                policies.validate(document=self.document())
            except PolicyInvalid as error:
                for fault in error.faults:
                    member = fault.member.removeprefix("match.")
                    self.add_error(member if member in self.fields else None, fault.message)
        return cleaned

    def _post_clean(self) -> None:
        """Let Django validate the row only if the schema found no fault; it would find the same ones again."""
        if not self.errors:
            super()._post_clean()  # type: ignore[misc]  # the stubs lack this hook of ModelForm


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

    def delete_model(self, request: Any, obj: Any) -> None:
        policies.delete(
            policy_id=obj.pk,
            versions=None,
            author=_author(request),
            reason="deleted in the admin",
            now=timezone.now(),
        )

    def delete_queryset(self, request: Any, queryset: QuerySet[Any]) -> None:
        for row in queryset:
            self.delete_model(request, row)


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
            made = policies.rollback(
                number=version.number,
                author=_author(request),
                reason=form.cleaned_data["reason"],
                now=timezone.now(),
            )
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
