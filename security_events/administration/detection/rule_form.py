"""The form by which an operator changes a detection rule."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.encoding import force_str
from django.utils.translation import gettext_lazy as _

from cedrina_base.reason_form import reason_field
from security_events.detection.evidence_words import words_of
from security_events.detection.rules import Rule
from security_events.models.detection import MODE_NAMES
from security_events.services.detection.rule_settings import LARGEST_THRESHOLD, RuleSettings
from security_events.types import RuleMode

_PREFIX = "threshold-"


class RuleForm(forms.Form):
    """The mode, one number for each threshold of the rule, and the reason."""

    mode = forms.ChoiceField(
        label=_("Mode"),
        choices=list(MODE_NAMES.items()),
        help_text=_(
            "Off: it looks for nothing. Shadow: it counts findings, and does nothing. Enforced: they become incidents."
        ),
    )
    reason = reason_field()
    seen_version = forms.IntegerField(widget=forms.HiddenInput, min_value=0)

    def __init__(self, data: Any = None, *, rule: Rule, in_force: RuleSettings) -> None:
        initial: dict[str, Any] = {"mode": str(in_force.mode), "seen_version": in_force.version}
        super().__init__(data, initial=initial)
        for name, value in in_force.thresholds.items():
            self.fields[f"{_PREFIX}{name}"] = forms.IntegerField(
                label=force_str(words_of(name)),
                initial=value,
                min_value=1,
                max_value=LARGEST_THRESHOLD,
                help_text=_("%(number)d by default.") % {"number": rule.thresholds[name]},
            )
        self.order_fields(["mode", *(f"{_PREFIX}{name}" for name in in_force.thresholds), "reason"])

    def thresholds(self) -> Mapping[str, int]:
        """Return the thresholds that were given."""
        given = self.cleaned_data.items()
        return {name.removeprefix(_PREFIX): value for name, value in given if name.startswith(_PREFIX)}

    def wanted_mode(self) -> RuleMode:
        """Return the mode that was given."""
        return RuleMode(self.cleaned_data["mode"])
