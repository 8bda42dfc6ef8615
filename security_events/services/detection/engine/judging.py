"""Ask the rules about a batch of facts, given the windows before it that PostgreSQL has."""

import logging
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from security_events.detection import rules
from security_events.detection.facts import Fact
from security_events.detection.rules import GroupBy, Rule
from security_events.detection.windows import FoundAttack, MemoryWindows
from security_events.selectors import detection_windows
from security_events.selectors.detection_windows import WindowRequest
from security_events.selectors.trail import TrailPosition
from security_events.services.detection import rule_settings
from security_events.services.detection.rule_settings import RuleSettings
from security_events.types import RuleMode

_SECONDS_BETWEEN_REPORTS = 60.0

log = logging.getLogger(__name__)


@dataclass(slots=True)
class JudgedAttack:
    """What a rule found in a batch about one key: the last finding, and the facts that it was found at.

    ``earlier`` are the facts before the first finding that led to it; an incident that is open has them already.
    """

    last: FoundAttack
    settings: RuleSettings
    triggers: list[Fact]
    earlier: Sequence[Fact]


class _Window(NamedTuple):
    """A window of one key. Rules that look at the same types for the same time share it."""

    group_by: GroupBy
    key: str
    watches: frozenset[str]
    seconds: int


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


def judge(facts: Sequence[Fact], *, up_to: TrailPosition) -> list[JudgedAttack]:
    """Return what the rules find in the facts of a batch. ``up_to`` is the position before the batch.

    A rule is asked about each of its triggers as of that event, so the size of the batch makes no difference. Rules
    that are off are not asked. A rule that fails is left out, and the others go on.
    """
    settings = {rule.id: rule_settings.of(rule) for rule in rules.RULES.values()}
    asked = [rule for rule in rules.RULES.values() if settings[rule.id].mode is not RuleMode.OFF]
    windows = MemoryWindows(
        asked, thresholds={rule.id: settings[rule.id].thresholds for rule in asked}, on_fault=faults.add
    )
    _fill(windows, asked, facts, up_to)
    attacks: dict[tuple[str, str], JudgedAttack] = {}
    for found in windows.findings(facts):
        cause, of_rule = (found.rule.id, found.key), settings[found.rule.id]
        if cause not in attacks:
            earlier = _leading_facts(found, windows.window_of(found), of_rule.thresholds)
            attacks[cause] = JudgedAttack(found, of_rule, [], earlier)
        attacks[cause].last = found
        attacks[cause].triggers.append(found.trigger)
    return list(attacks.values())


def _fill(windows: MemoryWindows, asked: Sequence[Rule], facts: Sequence[Fact], up_to: TrailPosition) -> None:
    """Read the windows of all keys that some rule will be asked about."""
    triggered: dict[str, list[Rule]] = defaultdict(list)
    for rule in asked:
        for event_type in rule.triggers:
            triggered[event_type].append(rule)
    since: dict[_Window, float] = {}
    sharing: dict[_Window, set[Rule]] = defaultdict(set)
    for fact in facts:
        for rule in triggered.get(fact.type, ()):
            if key := rule.key(fact):
                window = _Window(rule.group_by, key, rule.watches, rule.window)
                since[window] = min(since.get(window, fact.at), fact.at)
                sharing[window].add(rule)
    requests = [
        WindowRequest(window.group_by, window.key, window.watches, at - window.seconds) for window, at in since.items()
    ]
    for window, found in zip(since, detection_windows.windows(requests, up_to=up_to), strict=True):
        for rule in sharing[window]:
            windows.fill(rule, window.key, found)


def _leading_facts(found: FoundAttack, window: Sequence[Fact], thresholds: Mapping[str, int]) -> Sequence[Fact]:
    """Return the facts that led to a finding, without its trigger: what the rule names, or else its triggers."""
    if found.finding.facts:
        return [fact for fact in found.finding.facts if fact is not found.trigger]
    since = found.trigger.at - thresholds.get("seconds", found.rule.window)
    return [fact for fact in window[:-1] if fact.type in found.rule.triggers and fact.at >= since]
