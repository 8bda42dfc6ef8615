"""The windows of many rules over a long stream, with bounded memory.

They hold what ``security_events.detection.windows`` holds. A backtest sees each fact of a month, so rules that
watch the same events share a window here, and windows without recent facts are deleted.
"""

from collections.abc import Callable, Iterator, Sequence
from operator import attrgetter
from typing import NamedTuple

from security_events.detection.fact_window import FactWindow
from security_events.detection.facts import Fact
from security_events.detection.rules import Rule

MOST_KEPT = 1_200_000  # facts in all windows; one that several windows hold counts for each. A fact takes 600 bytes
_SWEEP_EVERY = 100_000  # facts


class AskedRules(NamedTuple):
    """Rules that a fact triggers, and the facts that they see, the trigger last. The next fact changes the window."""

    rules: Sequence[Rule]
    window: FactWindow


class SharedWindows:
    """The windows of some rules.

    At most ``most_kept`` facts are kept. If a stream needs more, the windows that were used longest ago are forgotten,
    and ``forgotten`` says how many of their facts could still have counted.
    """

    def __init__(self, rules: Sequence[Rule], *, most_kept: int = MOST_KEPT, sweep_every: int = _SWEEP_EVERY) -> None:
        groups: dict[tuple[str, int, frozenset[str]], _WindowGroup] = {}
        for rule in rules:
            groups.setdefault((rule.group_by, rule.window, rule.watches), _WindowGroup(rule)).rules.append(rule)
        self._groups = list(groups.values())
        self._by_type = {
            type_: [(group, group.triggered_by(type_)) for group in self._groups if type_ in group.watches]
            for type_ in frozenset().union(*(rule.watches for rule in rules))
        }
        self._most_kept, self._sweep_every = most_kept, sweep_every
        self._seen, self._newest = 0, 0.0
        self.forgotten = 0

    def asked(self, fact: Fact) -> Iterator[AskedRules]:
        """Add the next fact to its windows, and return the rules that it triggers, those of each window at once."""
        for group, triggered in self._by_type.get(fact.type, ()):
            key = group.key(fact)
            if key:
                window = group.windows.get(key)
                if window is None:
                    window = group.windows[key] = FactWindow()
                window.add(fact, since=fact.at - group.seconds)
                if triggered:
                    yield AskedRules(triggered, window)
        self._seen += 1
        self._newest = max(self._newest, fact.at)
        if self._seen % self._sweep_every == 0:
            self._sweep()

    def _sweep(self) -> None:
        """Delete windows whose facts are all too old, and the oldest ones if there are still too many facts."""
        for group in self._groups:
            group.delete_before(self._newest - group.seconds)
        surplus = sum(group.size() for group in self._groups) - self._most_kept
        if surplus <= 0:
            return
        ages = ((window[-1].at, number, key) for number, group in enumerate(self._groups) for key, window in group)
        for _at, number, key in sorted(ages):
            surplus -= self._forget(self._groups[number], key)
            if surplus <= 0:
                return

    def _forget(self, group: "_WindowGroup", key: str) -> int:
        window = group.windows.pop(key)
        self.forgotten += sum(fact.at >= self._newest - group.seconds for fact in window)
        return len(window)


class _WindowGroup:
    """The windows of rules that see the same facts."""

    def __init__(self, rule: Rule) -> None:
        self.key: Callable[[Fact], str] = attrgetter(rule.group_by)
        self.seconds, self.watches = rule.window, rule.watches
        self.rules: list[Rule] = []
        self.windows: dict[str, FactWindow] = {}

    def __iter__(self) -> Iterator[tuple[str, FactWindow]]:
        return iter(self.windows.items())

    def triggered_by(self, type_: str) -> list[Rule]:
        return [rule for rule in self.rules if type_ in rule.triggers]

    def delete_before(self, at: float) -> None:
        self.windows = {key: window for key, window in self.windows.items() if window[-1].at >= at}

    def size(self) -> int:
        return sum(map(len, self.windows.values()))
