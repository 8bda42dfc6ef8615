"""The form by which an operator decides about an incident."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from security_events.models import Incident
from security_events.models.detection import VERDICT_NAMES
from security_events.services.detection.incident_changes import LONGEST_NOTE
from security_events.types import IncidentStatus, Verdict

ACKNOWLEDGE, RESOLVE, REOPEN, SAVE_NOTE = "acknowledge", "resolve", "reopen", "note"
_STATUSES = {
    ACKNOWLEDGE: IncidentStatus.ACKNOWLEDGED,
    RESOLVE: IncidentStatus.RESOLVED,
    REOPEN: IncidentStatus.OPEN,
}


class IncidentForm(forms.Form):
    """What an operator found and did. The button that was pressed is the ``step``."""

    verdict = forms.ChoiceField(
        label=_("What was it?"),
        required=False,
        choices=[("", _("choose to resolve it")), *VERDICT_NAMES.items()],
        help_text=_("After a false alarm, all responses that are in force are taken back."),
    )
    note = forms.CharField(
        label=_("Note"),
        required=False,
        max_length=LONGEST_NOTE,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("It stays in the audit trail. Write no passwords and no personal data."),
    )
    seen_version = forms.IntegerField(widget=forms.HiddenInput, min_value=1)
    step = forms.ChoiceField(choices=[(each, each) for each in (*_STATUSES, SAVE_NOTE)], required=True)

    @classmethod
    def about(cls, incident: Incident) -> "IncidentForm":
        """Return the form as it is shown first."""
        return cls(initial={"verdict": incident.verdict, "note": incident.note, "seen_version": incident.version})

    def clean(self) -> dict[str, Any]:
        """Require a verdict where the incident is resolved."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if cleaned.get("step") == RESOLVE and not cleaned.get("verdict"):
            self.add_error("verdict", _("Say what it was: a resolved incident has a verdict."))
        return cleaned

    def change(self) -> dict[str, Any]:
        """Return what changes, as the service takes it."""
        given = self.cleaned_data
        is_resolved = given["step"] == RESOLVE
        return {
            "status": _STATUSES.get(given["step"]),
            "verdict": Verdict(given["verdict"]) if is_resolved else None,
            "note": given["note"].replace("\r\n", "\n"),
            "versions": frozenset({given["seen_version"]}),
        }
