"""Incidents and rules in words and colours, as the admin shows them."""

from collections.abc import Mapping
from typing import Any

from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from security_events.detection import rules
from security_events.models import SecurityEvent
from security_events.models.detection import MODE_NAMES, STATUS_NAMES, VERDICT_NAMES
from security_events.types import IncidentStatus, ResponseKind, RuleMode

EFFECTS: Mapping[str, Promise] = {
    ResponseKind.NOTIFY: _("The person got a mail about it."),
    ResponseKind.STEP_UP: _("The sessions in question have to prove who uses them before sensitive calls."),
    ResponseKind.TIGHTEN_NETWORK: _("The network may sign in, register and ask for resets less often."),
    ResponseKind.LOCK_FACTOR: _("No codes of the second factor are taken."),
    ResponseKind.END_SESSIONS: _("Sessions were ended. The person signs in again."),
}
_STATUS_COLOURS = {IncidentStatus.OPEN: "bad", IncidentStatus.ACKNOWLEDGED: "warn", IncidentStatus.RESOLVED: "good"}
_MODE_COLOURS = {RuleMode.ENFORCE: "good", RuleMode.SHADOW: "warn", RuleMode.OFF: "bad"}


def severity_names() -> Mapping[str, Any]:
    """Return the words of severities."""
    field: Any = SecurityEvent._meta.get_field("severity")
    return dict(field.flatchoices)


def severity_badge(severity: str) -> SafeString:
    """Return a severity in its colour."""
    return _badge(severity, severity_names().get(severity, severity))


def status_badge(status: str) -> SafeString:
    """Return how far an operator is with an incident, in a colour."""
    return _badge(_STATUS_COLOURS.get(IncidentStatus(status), ""), STATUS_NAMES[IncidentStatus(status)])


def mode_badge(mode: RuleMode) -> SafeString:
    """Return the mode of a rule in a colour."""
    return _badge(_MODE_COLOURS[mode], MODE_NAMES[mode])


def verdict_words(verdict: str) -> Any:
    """Return what an operator found, empty for nothing."""
    return dict(VERDICT_NAMES).get(verdict, "")  # type: ignore[call-overload]  # the keys are texts, too


def title_of(rule_id: str) -> Any:
    """Return what a rule looks for; the id of one that no app declares any more."""
    rule = rules.find(rule_id)
    return rule.title if rule else rule_id


def _badge(colour: str, words: Any) -> SafeString:
    return format_html('<span class="badge badge-{}">{}</span>', colour, words)
