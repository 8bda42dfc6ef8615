"""How well rules do: what operators said about their incidents, and what rules in shadow mode would have found."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from django.db.models import Count

from security_events.detection.rules import Rule
from security_events.models import Incident, RuleVersion, ShadowCount
from security_events.types import IncidentStatus, Verdict

VERDICT_DAYS = 90
SHADOW_DAYS = 30
_LAST_NUMBER = 2**63 - 1


@dataclass(frozen=True, slots=True)
class RuleFigures:
    """Verdicts of the last 90 days, findings in shadow mode of the last 30, and how many incidents are not resolved."""

    verdicts: Mapping[str, int] = field(default_factory=dict)
    shadow: Sequence[tuple[date, int]] = ()
    unresolved: int = 0

    @property
    def precision(self) -> float | None:
        """The share of real attacks among those found; permitted ones count for neither side."""
        right = self.verdicts.get(Verdict.TRUE_POSITIVE, 0)
        judged = right + self.verdicts.get(Verdict.FALSE_POSITIVE, 0)
        return round(right / judged, 4) if judged else None

    @property
    def shadow_findings(self) -> int:
        """The findings of all days."""
        return sum(findings for _day, findings in self.shadow)


def figures_of_rules(*, now: datetime) -> Mapping[str, RuleFigures]:
    """Return the figures of each rule that has some, by three queries whatever the number of rules."""
    verdicts: dict[str, dict[str, int]] = {}
    judged = Incident.objects.filter(resolved_at__gte=now - timedelta(days=VERDICT_DAYS))
    for rule, verdict, number in judged.values_list("rule", "verdict").annotate(number=Count("pk")).order_by():
        verdicts.setdefault(rule, {})[verdict] = number
    shadow: dict[str, list[tuple[date, int]]] = {}
    days = ShadowCount.objects.filter(day__gt=(now - timedelta(days=SHADOW_DAYS)).date()).order_by("-day")
    for rule, day, findings in days.values_list("rule", "day", "findings"):
        shadow.setdefault(rule, []).append((day, findings))
    unresolved_rows = Incident.objects.filter(status__in=[IncidentStatus.OPEN, IncidentStatus.ACKNOWLEDGED])
    unresolved = dict(unresolved_rows.values_list("rule").annotate(number=Count("pk")).order_by())
    return {
        rule: RuleFigures(verdicts.get(rule, {}), shadow.get(rule, ()), unresolved.get(rule, 0))
        for rule in {*verdicts, *shadow, *unresolved}
    }


def rule_versions_page(*, rule: str, before: int | None = None, limit: int) -> Sequence[RuleVersion]:
    """Return the latest changes of a rule, newest first, and one more than ``limit`` if there are more."""
    rows = RuleVersion.objects.filter(rule=rule, number__lt=before or _LAST_NUMBER)
    return list(rows.order_by("-number")[: limit + 1])


def thresholds_at(*, rule: Rule, version: int) -> Mapping[str, int]:
    """Return the thresholds that a change has put into force; those of the rule itself for 0."""
    stored = RuleVersion.objects.filter(number=version, rule=rule.id).first() if version else None
    return stored.thresholds if stored else rule.thresholds
