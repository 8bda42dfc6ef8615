"""The detection rule over attempts to evade limits. ``security_events.detection.rules`` says how a rule is asked."""

from django.utils.translation import gettext_lazy as _

from cedrina import event_types
from security_events.detection import takeover_judges
from security_events.detection.rules import GroupBy, Rule, register
from security_events.detection.sigma_forms import SigmaCount, SigmaForm
from security_events.types import Severity

_EVASIONS = frozenset(
    {
        event_types.RATELIMIT_ADDRESSES_ROTATED.id,
        event_types.RATELIMIT_ACCOUNTS_SWEPT.id,
        event_types.RATELIMIT_USER_AGENTS_ROTATED.id,
        event_types.NETWORK_REQUEST_MANIPULATED.id,
        event_types.NETWORK_HEADERS_MANIPULATED.id,
    }
)

EVASION = register(
    Rule(
        "evasion",
        title=_("Several ways to evade limits tried from one network"),
        reason=_("Rotated addresses, accounts or user agents and manipulated requests are tools, not accidents."),
        false_alarms=_("A security test of your own, or a proxy of a company with faults of several kinds."),
        severity=Severity.MEDIUM,
        score=47,
        source="our own: one kind alone also comes from faulty proxies",
        techniques=("T1090.003", "T1190"),
        sigma=SigmaForm(
            tuple({"type": each} for each in sorted(_EVASIONS)), SigmaCount.VALUES, threshold="kinds", field="type"
        ),
        group_by=GroupBy.NETWORK,
        window=3600,
        watches=_EVASIONS,
        triggers=_EVASIONS,
        judge=takeover_judges.several_kinds,
        thresholds={"kinds": 2},
        # Recent incidents of the network raise the risk of sign-ins from it.
        responses=(),
    )
)
