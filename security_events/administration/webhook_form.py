"""The admin's forms of webhooks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.utils.encoding import force_str
from django.utils.translation import gettext_lazy as _

from security_events.catalogue import type_choices
from security_events.errors import WebhookInvalid
from security_events.exporters.formats import ExportFormat
from security_events.models import Webhook
from security_events.webhooks.members import validated_members

if TYPE_CHECKING:
    WebhookModelForm = forms.ModelForm[Webhook]
else:
    WebhookModelForm = forms.ModelForm  # generic in the type stubs only

_MEMBERS = ("url", "types", "format")


class WebhookForm(WebhookModelForm):
    """A webhook. Its members are validated in the same words as for the API and the command."""

    url = forms.CharField(
        label=_("URL"),
        max_length=2048,
        widget=forms.URLInput(attrs={"class": "vURLField", "dir": "ltr"}),
        help_text=_("Where events are posted to: https://…"),
    )
    types = forms.MultipleChoiceField(
        label=_("Types"),
        choices=type_choices,
        required=False,
        widget=forms.SelectMultiple(attrs={"size": 12, "dir": "ltr"}),
        help_text=_("The event types that are sent. Choose none to send all."),
    )
    format = forms.ChoiceField(label=_("Format"), choices=[(each.value, each.value) for each in ExportFormat])
    enabled = forms.BooleanField(label=_("Enabled"), required=False, initial=True)
    seen_version = forms.IntegerField(required=False, widget=forms.HiddenInput)

    class Meta:
        model = Webhook
        fields = _MEMBERS

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        if not self.instance._state.adding:
            self.fields["seen_version"].initial = self.instance.version
            self.fields["enabled"].initial = self.instance.sink.is_enabled

    def members(self) -> dict[str, Any]:
        """Return the members as the services take them."""
        return {name: self.cleaned_data[name] for name in _MEMBERS if name in self.cleaned_data}

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if not self.errors:
            try:
                validated_members(self.members())
            except WebhookInvalid as error:
                self.add_error(error.member, force_str(error.sentence))
        return cleaned


class OverlapForm(forms.Form):
    """For how long messages are signed with the secret before, too."""

    overlap = forms.TypedChoiceField(
        label=_("Messages are signed with the secret before for"),
        coerce=int,
        initial=86_400,
        choices=[
            (0, _("no longer: it has leaked")),
            (3600, _("one hour")),
            (86_400, _("one day")),
            (604_800, _("one week")),
            (2_592_000, _("30 days")),
        ],
    )
