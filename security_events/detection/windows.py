"""Ask rules about a stream of facts, with the windows in memory: for simulations and backtests."""

from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from security_events.detection.facts import Fact
from security_events.detection.rules import Finding, Rule

MOST_FACTS = 2000  # of one window; the newest are kept


@dataclass(frozen=True, slots=True)
class FoundAttack:
    """A finding, with its rule, the key of its incident, and the fact that led to it."""

    rule: Rule
    key: str
    trigger: Fact
    finding: Finding


class MemoryWindows:
    """The windows of some rules. ``thresholds`` replaces those of rules by id."""

    def __init__(self, rules: Sequence[Rule], *, thresholds: Mapping[str, Mapping[str, int]] | None = None) -> None:
        self._rules = rules
        self._thresholds = {rule.id: {**rule.thresholds, **(thresholds or {}).get(rule.id, {})} for rule in rules}
        self._windows: dict[tuple[str, str], deque[Fact]] = defaultdict(lambda: deque(maxlen=MOST_FACTS))

    def findings(self, facts: Iterable[Fact]) -> Iterator[FoundAttack]:
        """Return what the rules find in facts that come in the order of time."""
        for fact in facts:
            for rule in self._rules:
                if fact.type in rule.watches:
                    yield from self._ask(rule, fact)

    def _ask(self, rule: Rule, fact: Fact) -> Iterator[FoundAttack]:
        key = rule.key(fact)
        if not key:
            return
        window = self._windows[rule.id, key]
        while window and window[0].at < fact.at - rule.window:
            window.popleft()
        window.append(fact)
        if fact.type in rule.triggers:
            finding = rule.judge(tuple(window), self._thresholds[rule.id])
            if finding is not None:
                yield FoundAttack(rule, rule.incident_key(fact), fact, finding)
