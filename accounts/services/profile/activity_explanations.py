"""Say to people in words why they were asked for a proof, told or refused, in the language that is active.

Somebody else may be reading: an attacker in a session of the account. So the sentences hold no numbers, no thresholds
and nothing about other people; at most ``MOST_REASONS`` reasons are named, in an order that says nothing about their
weights; and a sign-in that nothing followed from is not explained, because that would show what passes.
"""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext_lazy as _

from accounts.services.mailing.finding_texts import finding_text
from security_events import event_types
from security_events.types import ResponseKind, RiskChoice, RuleMode

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

MOST_REASONS = 3
OTHER_REASON = _("There were other signs that the sign-in might not be yours.")

# In the order in which they are told. A network that attacks came from would say something about others, and to an
# attacker that another network is needed: it is one of the other signs.
REASON_TEXTS: Mapping[str, "StrOrPromise"] = {
    "travel": _("The place was too far from the place of the sign-in before."),
    "country": _("You don't usually sign in from this country."),
    "city": _("You don't usually sign in from this city."),
    "provider": _("You don't usually sign in by this internet provider."),
    "network": _("You don't usually sign in from this network."),
    "address": _("You don't usually sign in from this address."),
    "device_type": _("You don't usually sign in with this kind of device."),
    "system": _("You don't usually sign in with this operating system."),
    "browser": _("You don't usually sign in with this browser."),
    "user_agent": _("You don't usually sign in with this version of the browser."),
    "hour": _("You don't usually sign in at this time of day."),
    "recent_attack": _("Somebody has recently tried to get into your account."),
    "reputation": OTHER_REASON,
}
CHOICE_TEXTS: Mapping[str, "StrOrPromise"] = {
    RiskChoice.NOTIFY: _("We told you by mail about this sign-in, because it differed from your earlier ones."),
    RiskChoice.STEP_UP: _(
        "We asked for a further proof after this sign-in, because it differed from your earlier ones."
    ),
    RiskChoice.REFUSE: _(
        "This sign-in was refused although the password was right, because it differed from your earlier ones."
    ),
}
RESPONSE_TEXTS: Mapping[str, "StrOrPromise"] = {
    ResponseKind.NOTIFY: _("We told you by mail."),
    ResponseKind.STEP_UP: _("We asked for a further proof that it is you, before anything sensitive can be changed."),
    ResponseKind.LOCK_FACTOR: _("For a while, codes of your second factor were taken from devices that you know only."),
    ResponseKind.END_SESSIONS: _("We ended the sessions that might not be yours. Sign in again."),
}
UNDONE_TEXT = _("An operator looked at it, and took back what had been done for your protection.")


def explanation_of(event_type: str, data: Mapping[str, Any], reasons: list[Any]) -> list[str]:
    """Return what an event says to the person whom it is about: some sentences, or none."""
    if event_type == event_types.RESPONSE_STARTED.id:
        return explanation_of_response(str(data.get("rule", "")), str(data.get("kind", "")))
    if event_type == event_types.RESPONSE_UNDONE.id:
        return [str(UNDONE_TEXT)]
    risk = data.get("risk")
    if not isinstance(risk, Mapping) or risk.get("mode") != RuleMode.ENFORCE:
        return []
    chosen = CHOICE_TEXTS.get(str(risk.get("choice")))
    return [str(chosen), *reason_texts(reasons)] if chosen is not None else []


def explanation_of_response(rule: str, kind: str) -> list[str]:
    """Return what was found, and what was done about it; nothing, if it was not done to a person."""
    done = RESPONSE_TEXTS.get(kind)
    return [str(finding_text(rule)), str(done)] if done is not None else []


def reason_texts(reasons: list[Any]) -> list[str]:
    """Return the sentences of some reasons, each one once and in an order of its own."""
    codes = {reason for reason in reasons if isinstance(reason, str)}
    known = list(dict.fromkeys(str(text) for code, text in REASON_TEXTS.items() if code in codes))
    return known[:MOST_REASONS] or list(_others(codes))


def _others(codes: set[str]) -> Iterator[str]:
    if codes:
        yield str(OTHER_REASON)
