"""The windows of many rules over a long stream, with bounded memory.

They hold what ``security_events.detection.windows`` holds. A backtest sees each fact of a month, so rules that
watch the same events share a window here, and windows without recent facts are deleted.
"""

from collections.abc import Iterator, Sequence
from operator import attrgetter, itemgetter
from typing import NamedTuple

from security_events.detection.fact_window import FactWindow
from security_events.detection.facts import Fact
from security_events.detection.rules import Rule

MOST_KEPT = 1_200_000  # facts in all windows; one that several windows hold counts for each. A fact takes 600 bytes
_SWEEP_EVERY = 100_000  # facts


class SharedWindows:
    """The windows of some rules.

    At most ``most_kept`` facts are kept. If a stream needs more, the windows that were used longest ago are forgotten,
    and ``forgotten`` says how many of their facts could still have counted.

    The windows of one key stand together: to look each of them up took a tenth of what a backtest does.
    """

    def __init__(self, rules: Sequence[Rule], *, most_kept: int = MOST_KEPT, sweep_every: int = _SWEEP_EVERY) -> None:
        self._by_group = {group_by: _KeyedWindows() for group_by in {rule.group_by for rule in rules}}
        for rule in rules:
            self._by_group[rule.group_by].add(rule)
        self._by_type = {
            type_: [
                (attrgetter(group_by), windows, asked)
                for group_by, windows in self._by_group.items()
                if (asked := windows.asked_about(type_))
            ]
            for type_ in frozenset().union(*(rule.watches for rule in rules))
        }
        self._most_kept, self._sweep_every = most_kept, sweep_every
        self._seen, self._newest = 0, 0.0
        self.forgotten = 0

    def asked(self, fact: Fact) -> Iterator[tuple[Sequence[Rule], FactWindow]]:
        """Add the next fact to its windows, and return the rules that are asked about it, with their window.

        The trigger is the last fact of a window, and the next fact changes it.
        """
        at, is_new_client = fact.at, fact.is_new_client
        for key_of, windows, asked in self._by_type.get(fact.type, ()):
            key = key_of(fact)
            if key:
                of_key = windows.by_key.get(key)
                if of_key is None:
                    of_key = windows.by_key[key] = [None] * len(windows.kinds)
                for number, seconds, rules, rules_about_known in asked:
                    window = of_key[number]
                    if window is None:
                        window = of_key[number] = FactWindow()
                    window.add(fact, at - seconds)
                    if triggered := rules if is_new_client else rules_about_known:
                        yield triggered, window
        self._seen += 1
        self._newest = max(self._newest, at)
        if self._seen % self._sweep_every == 0:
            self._sweep()

    def _sweep(self) -> None:
        """Delete windows whose facts are all too old, and the oldest ones if there are still too many facts."""
        for windows in self._by_group.values():
            windows.delete_old(self._newest)
        surplus = sum(windows.size() for windows in self._by_group.values()) - self._most_kept
        if surplus <= 0:
            return
        kept = [
            (window[-1].at, key, number, windows)
            for windows in self._by_group.values()
            for key, number, window in windows
        ]
        for _at, key, number, windows in sorted(kept, key=itemgetter(0, 1, 2)):
            surplus -= self._forget(windows, key, number)
            if surplus <= 0:
                return

    def _forget(self, windows: "_KeyedWindows", key: str, number: int) -> int:
        of_key = windows.by_key[key]
        window, of_key[number] = of_key[number], None
        facts = list(window or ())
        self.forgotten += sum(fact.at >= self._newest - windows.kinds[number].seconds for fact in facts)
        return len(facts)


class _WindowKind(NamedTuple):
    """Rules that see the same facts: those of some types, so many seconds back."""

    seconds: int
    watches: frozenset[str]
    rules: list[Rule]


class _AskedKind(NamedTuple):
    """A kind of window that sees facts of a type, by its number, and its rules that are asked about them."""

    number: int
    seconds: int
    rules: Sequence[Rule]
    rules_about_known_clients: Sequence[Rule]


class _KeyedWindows:
    """All windows of the rules with one ``GroupBy``: for each key one of each kind, or ``None``."""

    def __init__(self) -> None:
        self.kinds: list[_WindowKind] = []
        self.by_key: dict[str, list[FactWindow | None]] = {}

    def __iter__(self) -> Iterator[tuple[str, int, FactWindow]]:
        for key, of_key in self.by_key.items():
            for number, window in enumerate(of_key):
                if window is not None:
                    yield key, number, window

    def add(self, rule: Rule) -> None:
        """Add a rule, before the first fact has come."""
        for kind in self.kinds:
            if (kind.seconds, kind.watches) == (rule.window, rule.watches):
                kind.rules.append(rule)
                return
        self.kinds.append(_WindowKind(rule.window, rule.watches, [rule]))

    def asked_about(self, type_: str) -> list[_AskedKind]:
        """Return the kinds of windows that see facts of a type."""
        asked = []
        for number, kind in enumerate(self.kinds):
            if type_ in kind.watches:
                rules = [rule for rule in kind.rules if type_ in rule.triggers]
                about_known = [rule for rule in rules if not rule.only_new_clients]
                asked.append(_AskedKind(number, kind.seconds, rules, about_known))
        return asked

    def delete_old(self, newest: float) -> None:
        """Delete the windows that have no fact which still counts at a moment."""
        for key, number, window in list(self):
            if window[-1].at < newest - self.kinds[number].seconds:
                self.by_key[key][number] = None
        self.by_key = {key: of_key for key, of_key in self.by_key.items() if any(each is not None for each in of_key)}

    def size(self) -> int:
        return sum(len(window) for _key, _number, window in self)
