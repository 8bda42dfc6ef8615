"""The forms of rules and roles in the admin, and that of the tester."""

import json
from typing import TYPE_CHECKING, Any

from django import forms
from django.utils import timezone
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from accounts.access import rule_documents, selectors
from accounts.access.administration.preview import Preview, preview_of_rule
from accounts.access.deciding.conditions import CONDITION_TYPES
from accounts.access.deciding.hours import WEEKDAYS
from accounts.access.errors import RuleInvalid
from accounts.access.models import EFFECT_CHOICES, PolicyRule, Role
from cedrina_base.reason_form import reason_field

if TYPE_CHECKING:
    RuleModelForm = forms.ModelForm[PolicyRule]
    RoleModelForm = forms.ModelForm[Role]
else:
    RuleModelForm = RoleModelForm = forms.ModelForm  # generic in the type stubs only

DAYS = dict(
    zip(
        WEEKDAYS,
        (_("Monday"), _("Tuesday"), _("Wednesday"), _("Thursday"), _("Friday"), _("Saturday"), _("Sunday")),
        strict=True,
    )
)
CHANGED = _("This was changed in the meantime. Look at it again, then repeat your change.")
# The names of buttons beside "Save".
PREVIEW, DRAFT = "_preview", "_draft"
_HOURS = ("weekdays", "begin", "end", "time_zone")


class LatinInput(forms.TextInput):
    """A text of our language of rules, which is written from left to right on all pages."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__({"class": "vTextField", "dir": "ltr", "spellcheck": "false", **attributes})


class JsonField(forms.CharField):
    """JSON, shown with indentation. Numbers that are none (NaN) are refused, as by the calls."""

    def __init__(self, **options: Any) -> None:
        area = forms.Textarea(attrs={"class": "vLargeTextField", "dir": "ltr", "rows": 5, "spellcheck": "false"})
        super().__init__(widget=area, required=False, max_length=10_000, **options)

    def prepare_value(self, value: Any) -> Any:
        return value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False) if value else ""

    def to_python(self, value: Any) -> Any:
        text = str(super().to_python(value) or "").strip()
        if not text:
            return None
        try:
            return json.loads(text, parse_constant=_refuse_constant)
        except (ValueError, RecursionError) as error:
            raise forms.ValidationError(_("This is no JSON."), code="invalid") from error

    def has_changed(self, initial: Any, data: Any) -> bool:
        return bool(self.prepare_value(initial) != data)


class RuleForm(RuleModelForm):
    """A rule, with its hours as fields of their own. ``rule_documents`` validates it, as for every other source."""

    subject = forms.CharField(
        label=capfirst(_("subject")), widget=LatinInput(), help_text=_("role:NAME, user:ID or client:ID")
    )
    effect = forms.ChoiceField(label=capfirst(_("effect")), choices=EFFECT_CHOICES, widget=forms.RadioSelect)
    action = forms.CharField(label=capfirst(_("action")), widget=LatinInput(), help_text=_("A word, or * for all."))
    object = forms.CharField(
        label=capfirst(_("object")),
        widget=LatinInput(),
        help_text=_("documents/*/notes: * is one segment, ** at the end is all that follows."),
    )
    weekdays = forms.MultipleChoiceField(
        label=_("Weekdays"), choices=list(DAYS.items()), required=False, widget=forms.CheckboxSelectMultiple
    )
    begin = forms.CharField(label=_("From"), required=False, widget=LatinInput(placeholder="09:00"))
    end = forms.CharField(
        label=_("Until"),
        required=False,
        widget=LatinInput(placeholder="17:00"),
        help_text=_("An earlier time is that of the next day. Without hours, the rule is always in force."),
    )
    time_zone = forms.CharField(label=_("Time zone"), required=False, widget=LatinInput(placeholder="Europe/Madrid"))
    conditions = JsonField(label=capfirst(_("conditions")))
    seen_version = forms.IntegerField(widget=forms.HiddenInput, required=False)
    reason = reason_field()
    refusal = ""  # why the service refused what is shown again
    preview: Preview | None = None

    class Meta:
        model = PolicyRule
        fields = (
            "subject",
            "effect",
            "action",
            "object",
            "department",
            "location",
            "conditions",
            "valid_from",
            "valid_until",
            "note",
        )

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        example = '[{"name": "same", "arguments": {"left": "subject.id", "right": "resource.owner"}}]'
        self.fields["conditions"].help_text = _("All must hold. %(example)s Names: %(names)s.") % {
            "example": example,
            "names": ", ".join(sorted(CONDITION_TYPES)),
        }
        if not self.instance._state.adding:
            self.fields["seen_version"].initial = self.instance.version
            hours = self.instance.hours or {}
            for field, member in zip(_HOURS, ("weekdays", "from", "until", "time_zone"), strict=True):
                self.fields[field].initial = hours.get(member)

    def document(self) -> dict[str, Any]:
        """Return the rule as a document; only of a form that is valid."""
        given = self.cleaned_data
        hours = {
            "weekdays": given.get("weekdays") or [],
            "from": given.get("begin") or "",
            "until": given.get("end") or "",
            "time_zone": given.get("time_zone") or "",
        }
        names = ("subject", "effect", "action", "object", "department", "location", "note")
        return {
            **{name: given.get(name) or "" for name in names},
            "hours": hours if any(hours.values()) else None,
            "conditions": given.get("conditions") or [],
            "valid_from": given.get("valid_from"),
            "valid_until": given.get("valid_until"),
        }

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        seen = cleaned.get("seen_version")
        if seen and seen != self.instance.version:
            self.add_error(None, CHANGED)  # as an error of the form, so that the input is not lost
        if self.refusal:
            self.add_error(None, self.refusal)
        is_preview = PREVIEW in self.data
        if is_preview:
            self.errors.pop("reason", None)
        if not self.errors:
            self._validate(is_preview=is_preview)
        return cleaned

    def _validate(self, *, is_preview: bool) -> None:
        try:
            document = rule_documents.parse_rule(self.document())
        except RuleInvalid as error:
            member = "weekdays" if error.member == "hours" else error.member
            self.add_error(member if member in self.fields else None, str(error.sentence))
            return
        if is_preview:
            self.preview = preview_of_rule(rule_id=str(self.instance.pk), document=document, now=timezone.now())
            self.add_error(None, _("Nothing is stored yet. Look below at what would change, then save."))

    def _post_clean(self) -> None:
        """Let Django write nothing on the row: the service does."""


class RoleForm(RoleModelForm):
    """A role. Its parents and the roles it is separated from are chosen among those that exist."""

    name = forms.CharField(
        label=capfirst(_("name")), widget=LatinInput(), help_text=_("Small letters, digits, - and _: on-call")
    )
    parents = forms.MultipleChoiceField(
        label=capfirst(_("parents")),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("It has all that these roles have."),
    )
    separation_of_duty = forms.MultipleChoiceField(
        label=capfirst(_("never together with")),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("Nobody may have both roles."),
    )
    seen_version = forms.IntegerField(widget=forms.HiddenInput, required=False)
    reason = reason_field()
    refusal = ""

    class Meta:
        model = Role
        fields = ("name", "description", "parents", "separation_of_duty")

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        others = [(name, name) for name in selectors.all_roles() if name != self.instance.name]
        for field in ("parents", "separation_of_duty"):
            self.fields[field].choices = others  # type: ignore[attr-defined]  # both are fields with choices
        if not self.instance._state.adding:
            self.fields["name"].disabled = True
            self.fields["seen_version"].initial = self.instance.version

    def document(self) -> dict[str, Any]:
        """Return the role as a document."""
        given = self.cleaned_data
        return {name: given[name] for name in ("description", "parents", "separation_of_duty")}

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        seen, name = cleaned.get("seen_version"), cleaned.get("name", "")
        if seen and seen != self.instance.version:
            self.add_error(None, CHANGED)
        if self.refusal:
            self.add_error(None, self.refusal)
        if name and not rule_documents.is_role_name(name):
            self.add_error("name", _("A role's name has small letters, digits, - and _, and begins with a letter."))
        elif self.instance._state.adding and name in selectors.all_roles():
            self.add_error("name", _("There is a role of this name already."))
        return cleaned

    def _post_clean(self) -> None:
        """Let Django write nothing on the row: the service does."""


class TesterForm(forms.Form):
    """The question whether somebody may do something, to something, at an instant."""

    subject = forms.CharField(
        label=_("Who"), max_length=254, widget=LatinInput(), help_text=_("A username, user:ID or client:ID.")
    )
    action = forms.CharField(label=capfirst(_("action")), max_length=100, widget=LatinInput(placeholder="read"))
    object = forms.CharField(label=capfirst(_("object")), max_length=512, widget=LatinInput(placeholder="documents/42"))
    at = forms.DateTimeField(
        label=_("When"),
        required=False,
        widget=LatinInput(placeholder="2026-01-31 17:00"),
        help_text=_("Now, if it is left out. In UTC."),
    )
    attributes = JsonField(
        label=_("What else is known"),
        help_text='{"resource": {"owner": "…"}, "context": {"ip_address": "192.0.2.1"}}',
    )

    def clean_attributes(self) -> dict[str, Any]:
        """Take the roots resource, action and context only: who asks is known already."""
        given = self.cleaned_data["attributes"] or {}
        roots = {"resource", "action", "context"}
        is_shaped = isinstance(given, dict) and all(isinstance(value, dict) for value in given.values())
        if not is_shaped or set(given) - roots:
            raise forms.ValidationError(_("This is an object with resource, action and context."), code="invalid")
        return given


def _refuse_constant(name: str) -> Any:
    raise ValueError(name)
