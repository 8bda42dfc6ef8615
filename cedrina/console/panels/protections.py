"""What is protected: the mode of each rule and policy, and what those in shadow mode would have done."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Sum

from ratelimiting import selectors as policy_selectors
from ratelimiting.services import active_policies
from security_events.detection import rules
from security_events.selectors.detection.rule_figures import RuleFigures, figures_of_rules
from security_events.services.detection import rule_settings
from security_events.types import Severity

DAY = timedelta(days=1)
_ORDER = {"enforce": 2, "shadow": 1, "off": 0}


@dataclass(frozen=True, slots=True)
class RuleState:
    """A detection rule: its mode, and how it does. ``precision`` is from 0 to 1, ``None`` without verdicts."""

    id: str
    severity: Severity
    mode: str
    version: int
    shadow_findings: int
    precision: float | None
    unresolved: int


@dataclass(frozen=True, slots=True)
class PolicyState:
    """A rate limit policy: its mode, and what it would have refused within a day while in shadow mode."""

    name: str
    mode: str
    shadow_refusals: int


def rule_states(now: datetime) -> Sequence[RuleState]:
    """Return the rules, those that do least first."""
    rule_settings.refresh_at_once()
    figures = figures_of_rules(now=now)
    found = []
    for rule in rules.in_order():
        in_force, known = rule_settings.of(rule), figures.get(rule.id, RuleFigures())
        found.append(
            RuleState(
                id=rule.id,
                severity=rule.severity,
                mode=str(in_force.mode),
                version=in_force.version,
                shadow_findings=known.shadow_findings,
                precision=known.precision,
                unresolved=known.unresolved,
            )
        )
    return sorted(found, key=lambda state: (_ORDER[state.mode], state.id))


def policy_states(now: datetime) -> Sequence[PolicyState]:
    """Return the policies that count in this process, those that do least first."""
    refusals = _shadow_refusals(now)
    policies = active_policies.current().policies
    found = [PolicyState(name, str(policy.mode), refusals.get(name, 0)) for name, policy in policies.items()]
    return sorted(found, key=lambda state: (_ORDER[state.mode], state.name))


def _shadow_refusals(now: datetime) -> Mapping[str, int]:
    rows = policy_selectors.shadow_figures(since=now - DAY).order_by()
    return dict(rows.values_list("policy").annotate(refused=Sum("refused")))
