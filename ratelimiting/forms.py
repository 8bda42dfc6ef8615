"""The form of a policy in the admin."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from cedrina_base.reason_form import reason_field
from ratelimiting.errors import PolicyChanged, PolicyInvalid
from ratelimiting.models import RateLimitPolicy, all_routes
from ratelimiting.policy_schema import MATCH_MEMBERS, MEMBERS
from ratelimiting.services import policies

if TYPE_CHECKING:
    PolicyModelForm = forms.ModelForm[RateLimitPolicy]
else:
    PolicyModelForm = forms.ModelForm  # generic in the type stubs only


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
    name = forms.CharField(label=capfirst(_("name")))
    description = forms.CharField(label=capfirst(_("description")), required=False)
    limit = forms.IntegerField(label=capfirst(_("limit")))
    window = forms.IntegerField(label=capfirst(_("window in seconds")))
    burst = forms.IntegerField(label=capfirst(_("burst")), required=False)
    cost = forms.IntegerField(label=capfirst(_("cost of a request")), initial=1)
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
