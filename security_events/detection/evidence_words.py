"""What the counts of findings and the thresholds of rules are called. Names without words are shown as they are."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

WORDS: Mapping[str, str | Promise] = {
    "events": _("events"),
    "failures": _("failed sign-ins"),
    "tries": _("failed tries"),
    "accounts": _("accounts"),
    "addresses": _("addresses of the network"),
    "names": _("names"),
    "challenges": _("unfinished second factors"),
    "kilometres": _("kilometres"),
    "kilometres_per_hour": _("kilometres per hour"),
    "near_kilometres": _("kilometres that count as near"),
    "radius_kilometres": _("kilometres of accuracy, at most"),
    "seconds": _("seconds"),
    "least_each": _("tries on each account, at least"),
    "most_each": _("tries on each account, at most"),
    "few_percent": _("per cent of accounts with few tries"),
    "band_percent": _("per cent of accounts with as many tries"),
    "failing_percent": _("per cent of accounts that fail"),
    "generations_behind": _("exchanges since the token was the current one"),
    "idle_seconds": _("seconds since the current token was given out"),
}
_MOST_COUNTS = 30


class EvidenceCount(NamedTuple):
    """A count of a finding in words; ``threshold`` is what it had to reach, ``None`` where there is none."""

    words: str | Promise
    value: Any
    threshold: int | None


def words_of(name: str) -> str | Promise:
    """Return what a count or a threshold is called."""
    return WORDS.get(name, name)


def evidence_counts(evidence: Mapping[str, Any], thresholds: Mapping[str, int]) -> Sequence[EvidenceCount]:
    """Return the counts of a finding beside the thresholds of the same names, 30 at most."""
    counts = list(evidence.items())[:_MOST_COUNTS]
    return [EvidenceCount(words_of(name), value, thresholds.get(name)) for name, value in counts]
