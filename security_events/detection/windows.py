"""Ask rules about a stream of facts, with the windows in memory: live, for simulations and for backtests."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from security_events.detection.fact_window import FactWindow
from security_events.detection.facts import Fact
from security_events.detection.newest_facts import NewestFacts
from security_events.detection.rules import Finding, Rule


@dataclass(frozen=True, slots=True)
class FoundAttack:
    """A finding, with its rule, the key of its incident, and the fact that led to it."""

    rule: Rule
    key: str
    trigger: Fact
    finding: Finding


class MemoryWindows:
    """The windows of some rules. ``thresholds`` replaces those of rules by id.

    ``on_fault`` is called when the judge of a rule raises an exception; without it, the exception goes on.
    """

    def __init__(
        self,
        rules: Sequence[Rule],
        *,
        thresholds: Mapping[str, Mapping[str, int]] | None = None,
        on_fault: Callable[[Rule], None] | None = None,
    ) -> None:
        self._watching: dict[str, list[Rule]] = defaultdict(list)
        for rule in rules:
            for event_type in rule.watches:
                self._watching[event_type].append(rule)
        self._thresholds = {rule.id: {**rule.thresholds, **(thresholds or {}).get(rule.id, {})} for rule in rules}
        self._windows: dict[tuple[str, str], FactWindow] = defaultdict(FactWindow)
        self._on_fault = on_fault

    def fill(self, rule: Rule, key: str, facts: Iterable[Fact]) -> None:
        """Put the facts into the window of a rule that came before those that it is asked about."""
        self._windows[rule.id, key].fill(facts)

    def fill_newest(self, rule: Rule, key: str, facts: Iterable[Fact], *, after: float) -> None:
        """Put only the newest facts into the window of a rule, all after a moment, if the rule needs no older ones."""
        window = self._windows[rule.id, key] = NewestFacts(after=after)
        window.fill(facts)

    def size(self, rule: Rule, key: str) -> int:
        """Return how many facts the window of a rule holds; 0 if it holds only the newest ones."""
        return len(self._windows.get((rule.id, key), ()))

    def keep_only(self, windows: Collection[tuple[str, str]]) -> None:
        """Forget all windows but those of these ids of rules and keys."""
        for name in self._windows.keys() - set(windows):
            del self._windows[name]

    def window_of(self, found: FoundAttack) -> Sequence[Fact]:
        """Return the facts that a rule saw. It has to be asked before the next finding is taken."""
        return tuple(self._windows[found.rule.id, found.rule.key(found.trigger)])

    def findings(self, facts: Iterable[Fact]) -> Iterator[FoundAttack]:
        """Return what the rules find in facts that come in the order of the trail."""
        for fact in facts:
            for rule in self._watching.get(fact.type, ()):
                yield from self._ask(rule, fact)

    def _ask(self, rule: Rule, fact: Fact) -> Iterator[FoundAttack]:
        key = rule.key(fact)
        if not key:
            return
        window = self._windows[rule.id, key]
        window.add(fact, fact.at - rule.window)
        if rule.is_asked_about(fact):
            finding = self._judge(rule, window)
            if finding is not None:
                yield FoundAttack(rule, rule.incident_key(fact), fact, finding)

    def _judge(self, rule: Rule, facts: Sequence[Fact]) -> Finding | None:
        try:
            finding = rule.judge(facts, self._thresholds[rule.id])
            # The window goes on, and the facts of a finding stay.
            return finding and replace(finding, facts=tuple(finding.facts))
        except Exception:
            if self._on_fault is None:
                raise
            self._on_fault(rule)
            return None
