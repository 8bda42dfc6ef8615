"""The detection rule over events of tokens. ``security_events.detection.rules`` says how a rule is asked."""

from django.utils.translation import gettext_lazy as _

from security_events.detection import judges
from security_events.detection.rules import GroupBy, Rule, register
from security_events.detection.sigma_forms import SigmaForm
from security_events.types import Severity
from tokens import event_types

_REUSED = frozenset({event_types.TOKEN_REUSE_DETECTED.id})

TOKEN_THEFT = register(
    Rule(
        "token_theft",
        title=_("Refresh token used by two"),
        reason=_("A copied refresh token was used after its owner's program had replaced it, or the other way round."),
        false_alarms=_("A device that was restored from a backup, or a program that keeps its token in two places."),
        severity=Severity.HIGH,
        score=90,
        source="RFC 9700, 4.14.2: one use is enough",
        techniques=("T1528", "T1550.001"),
        sigma=SigmaForm(({"type": event_types.TOKEN_REUSE_DETECTED.id},)),
        group_by=GroupBy.ACCOUNT,
        window=60,
        watches=_REUSED,
        triggers=_REUSED,
        judge=judges.repeated,
        thresholds={"events": 1},
        # The session is ended and its owner mailed by `tokens` and `accounts` at once, whatever the mode of the rule.
        responses=(),
    )
)
