"""The detection rule over events of tokens. ``security_events.detection.rules`` says how a rule is asked."""

from collections.abc import Mapping, Sequence

from django.utils.translation import gettext_lazy as _

from security_events.detection import judges
from security_events.detection.facts import Fact
from security_events.detection.rules import Finding, GroupBy, Rule, register
from security_events.detection.sigma_forms import SigmaForm
from security_events.types import Severity
from tokens import event_types

_REUSED, _CONFIRMED = event_types.TOKEN_REUSE_DETECTED.id, event_types.TOKEN_REUSE_CONFIRMED.id
_WATCHED = frozenset({_REUSED, _CONFIRMED})


def used_by_two(facts: Sequence[Fact], thresholds: Mapping[str, int]) -> Finding | None:
    """Find ``events`` reuses of refresh tokens that a device restored from a backup doesn't explain.

    Such a device presents a token that is at least ``generations_behind`` exchanges old, from where its owner always
    is, ``idle_seconds`` or more after the current token was given out: to restore it takes longer. Everything else is
    found at once, a reuse of which no evidence was recorded, too. So is a reuse that a restored device explains as soon
    as somebody presents the current token: the backup has replaced that.
    """
    if _is_explained(facts[-1], thresholds):
        return None
    return judges.reached(thresholds, events=sum(fact.times for fact in facts if not _is_explained(fact, thresholds)))


def _is_explained(fact: Fact, thresholds: Mapping[str, int]) -> bool:
    return (
        fact.type == _REUSED
        and fact.is_familiar_client
        and fact.generations_behind >= thresholds["generations_behind"]
        and fact.idle_seconds >= thresholds["idle_seconds"]
    )


TOKEN_THEFT = register(
    Rule(
        "token_theft",
        title=_("Refresh token used by two"),
        reason=_("A copied refresh token was used after its owner's program had replaced it, or the other way round."),
        false_alarms=_(
            "A device that was restored from a backup on a journey, or whose backup was restored to a second one, "
            "or a program that keeps its token in two places."
        ),
        severity=Severity.HIGH,
        score=90,
        source="RFC 9700, 4.14.2: one use is enough; our own for restored backups",
        techniques=("T1528", "T1550.001"),
        sigma=SigmaForm(
            ({"type": _REUSED}, {"type": _CONFIRMED}),
            unless={
                "type": _REUSED,
                "is_familiar_client": 1,
                "generations_behind|gte": "{generations_behind}",
                "idle_seconds|gte": "{idle_seconds}",
            },
        ),
        group_by=GroupBy.ACCOUNT,
        window=60,
        watches=_WATCHED,
        triggers=_WATCHED,
        judge=used_by_two,
        # A client that is in use exchanges its token each time the access token expires, after 15 minutes.
        thresholds={"events": 1, "generations_behind": 4, "idle_seconds": 900},
        # The session is ended and its owner mailed by `tokens` and `accounts` at once, whatever the mode of the rule.
        responses=(),
    )
)
