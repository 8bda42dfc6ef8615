"""What mails say to a person about a finding of a detection rule, in words that need no knowledge of rules."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

UNKNOWN_RULE = _("We have seen something in your account that looks like an attack.")

_AMONG_ATTACKS = _("There was a sign-in to your account, from where passwords of many accounts are being tried.")

FINDING_TEXTS: Mapping[str, "StrOrPromise"] = {
    "brute_force": _("Somebody has tried several wrong passwords for your account."),
    "distributed_brute_force": _("Somebody has tried many wrong passwords for your account, from many places."),
    "mfa_guessing": _(
        "Somebody who knows your password has tried many wrong codes of your second factor. For half an hour, codes "
        "are accepted only from devices that you have signed in with before; a recovery code works everywhere."
    ),
    "mfa_fatigue": _(
        "Somebody who knows your password has begun several sign-ins that need your second factor. Confirm none that "
        "you have not begun yourself."
    ),
    "success_after_guessing": _(
        "There was a sign-in to your account, soon after wrong passwords had been tried for it."
    ),
    "success_among_stuffing": _AMONG_ATTACKS,
    "success_among_spraying": _AMONG_ATTACKS,
    "success_among_distributed_spraying": _AMONG_ATTACKS,
    "impossible_travel": _(
        "There were sign-ins to your account from two places too far from each other for one person."
    ),
    "dormant_account": _("There was a sign-in to your account, which had not been used for a long time."),
    "new_client": _("There was a sign-in to your account from a device or a network that we had not seen before."),
    "sign_in_risk": _("There was a sign-in to your account that differs from how you usually sign in."),
}


def finding_text(rule: str) -> "StrOrPromise":
    """Return the sentence about findings of a rule."""
    return FINDING_TEXTS.get(rule, UNKNOWN_RULE)
