"""Ask the rules about a batch of facts, given the windows before it that PostgreSQL has."""

import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from security_events.detection import rules
from security_events.detection.facts import Fact
from security_events.detection.rules import Rule
from security_events.detection.windows import FoundAttack, MemoryWindows
from security_events.selectors.trail import TrailPosition
from security_events.services.detection import rule_settings
from security_events.services.detection.engine.kept_windows import KeptWindows
from security_events.services.detection.rule_settings import RuleSettings
from security_events.types import RuleMode

UNKNOWN_NAMES = "unknown names"
_SECONDS_BETWEEN_REPORTS = 60.0
_LONGEST_LEAD = 86400  # seconds: what a rule with a longer window looks back at is no part of the attack

log = logging.getLogger(__name__)


@dataclass(slots=True)
class JudgedAttack:
    """What a rule found in a batch about one key: the last finding, and the facts that it was found at.

    ``key`` is that of the incident: names without an account share one, else anybody could open one for each name.
    ``earlier`` are the facts before the first finding that led to it; an incident that is open has them already.
    """

    key: str
    last: FoundAttack
    settings: RuleSettings
    triggers: list[Fact]
    earlier: list[Fact]


class FaultReport:
    """Logs rules that raised an exception: each at most once a minute. ``count`` is for metrics."""

    def __init__(self) -> None:
        self.count = 0
        self._reported: dict[str, float] = {}

    def add(self, rule: Rule) -> None:
        """Report the exception that the caller is handling."""
        self.count += 1
        now = time.monotonic()
        if now - self._reported.get(rule.id, float("-inf")) >= _SECONDS_BETWEEN_REPORTS:
            self._reported[rule.id] = now
            log.error("detection_rule_failed: %s", rule.id, exc_info=True)  # noqa: LOG014 - the caller handles it


faults = FaultReport()


class RuleJudge:
    """Asks the rules about one batch after the other.

    It keeps the windows that are large, such as that of a common program, for the next batch: to read them again each
    time took most of what detection cost the database. They are those of the position up to which the caller has
    committed, and are forgotten when another worker went on from there, or a rule was changed.
    """

    def __init__(self) -> None:
        self._kept = KeptWindows()
        self._settings: Mapping[str, RuleSettings] = {}
        self._position: TrailPosition | None = None
        self._windows = MemoryWindows([])

    def committed(self, position: TrailPosition) -> None:
        """Keep what was read, up to a position that was committed."""
        self._position = position

    def judge(self, facts: Sequence[Fact], *, up_to: TrailPosition) -> list[JudgedAttack]:
        """Return what the rules find in the facts of a batch. ``up_to`` is the position before the batch.

        A rule is asked about each of its triggers as of that event, so the size of the batch makes no difference. Rules
        that are off are not asked. A rule that fails is left out, and the others go on.
        """
        settings = {rule.id: rule_settings.of(rule) for rule in rules.RULES.values()}
        if up_to != self._position or settings != self._settings:
            self._start(settings)
        self._position = None  # until the batch is committed
        self._kept.fill(self._windows, facts, up_to=up_to)
        attacks: dict[tuple[str, str], JudgedAttack] = {}
        seen: set[tuple[str, str]] = set()
        for found in self._windows.findings(facts):
            key, of_rule = _incident_key(found), settings[found.rule.id]
            cause = found.rule.id, key
            attack = attacks.setdefault(cause, JudgedAttack(key, found, of_rule, [], []))
            if (found.rule.id, found.key) not in seen:
                seen.add((found.rule.id, found.key))
                attack.earlier += _leading_facts(found, self._windows.window_of(found), of_rule.thresholds)
            attack.last = found
            attack.triggers.append(found.trigger)
        self._kept.keep_large(self._windows)
        return list(attacks.values())

    def _start(self, settings: Mapping[str, RuleSettings]) -> None:
        asked = [rule for rule in rules.RULES.values() if settings[rule.id].mode is not RuleMode.OFF]
        thresholds = {rule.id: settings[rule.id].thresholds for rule in asked}
        self._settings, self._kept = settings, KeptWindows(asked, thresholds=thresholds)
        self._windows = MemoryWindows(asked, thresholds=thresholds, on_fault=faults.add)


def _incident_key(found: FoundAttack) -> str:
    is_about_name = found.trigger.is_unknown_name and found.key == found.trigger.account
    return UNKNOWN_NAMES if is_about_name else found.key


def _leading_facts(found: FoundAttack, window: Sequence[Fact], thresholds: Mapping[str, int]) -> Sequence[Fact]:
    """Return the facts that led to a finding, without its trigger: what the rule names, or else its triggers."""
    if found.finding.facts:
        return [fact for fact in found.finding.facts if fact is not found.trigger]
    longest = found.rule.window if found.rule.window <= _LONGEST_LEAD else 0
    since = found.trigger.at - thresholds.get("seconds", longest)
    return [fact for fact in window[:-1] if fact.type in found.rule.triggers and fact.at >= since]
