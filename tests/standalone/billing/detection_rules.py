"""A detection rule of an app outside of Cedrina, over its own events."""

from django.utils.translation import gettext_lazy as _

from security_events.detection.judges import repeated
from security_events.detection.rules import GroupBy, Rule, register
from security_events.types import ResponseKind, RuleMode, Severity
from tests.standalone.billing.event_types import CARD_REFUSED

CARD_TESTING = register(
    Rule(
        "card_testing",
        title=_("Many cards refused from one network"),
        reason=_("Somebody tries stolen card numbers with small payments."),
        false_alarms=_("A company whose card has expired."),
        severity=Severity.HIGH,
        score=73,
        group_by=GroupBy.NETWORK,
        window=600,
        watches=frozenset({CARD_REFUSED.id}),
        triggers=frozenset({CARD_REFUSED.id}),
        judge=repeated,
        thresholds={"events": 3},
        responses=(ResponseKind.TIGHTEN_NETWORK,),
        mode=RuleMode.SHADOW,
    )
)
