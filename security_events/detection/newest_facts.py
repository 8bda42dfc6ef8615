"""Windows of which only the newest facts were read, because most questions of a rule with a long window need no more.

A rule that looks back for a month is asked at each failed sign-in, and its answer is nearly always clear from the last
half hour. To read the fifty facts that the month of an account has took half of what detection cost the database. So
the engine reads the newest few first. A judge that asks for an older one raises ``OlderFactsNeeded``; then the engine
reads the whole window, and asks again. Judges need no change: what they were not given they have not used.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

from security_events.detection.fact_window import FactWindow, Summary
from security_events.detection.facts import Fact
from security_events.detection.rules import GroupBy, Rule

# Seconds: of two facts that are further from each other, the earlier one comes first in the trail. No transaction that
# records events takes longer.
_ORDERED = 3600.0


class OlderFactsNeeded(Exception):
    """A judge asked for facts that were not read."""


class NewestFacts(FactWindow):
    """A window that has all facts after a moment, and those of this moment in part.

    Only what the older ones can't change is answered: the trigger, the facts from a moment on, and the facts backwards
    from the trigger up to the moment. Everything else raises ``OlderFactsNeeded``.
    """

    __slots__ = ("_after",)

    def __init__(self, *, after: float) -> None:
        super().__init__()
        self._after = after

    def __getitem__(self, index: int | slice) -> Fact | list[Fact]:  # type: ignore[override]  # it has no overloads
        if index != -1:
            raise OlderFactsNeeded
        return self._facts[-1]

    def __len__(self) -> int:
        raise OlderFactsNeeded

    def __iter__(self) -> Iterator[Fact]:
        raise OlderFactsNeeded

    def __reversed__(self) -> Iterator[Fact]:
        for fact in reversed(self._facts):
            if fact.at <= self._after + _ORDERED:
                break
            yield fact
        raise OlderFactsNeeded

    def newest(self, since: float) -> list[Fact]:
        if since <= self._after:
            raise OlderFactsNeeded
        return super().newest(since)

    def summary(self, kind: type[Summary]) -> Summary:
        raise OlderFactsNeeded


class NewestFactsOfRules:
    """The newest facts of the windows of some rules; ``thresholds`` are those in force, by the ids of rules."""

    def __init__(self, thresholds: Mapping[str, Mapping[str, int]]) -> None:
        self._thresholds = thresholds
        self._windows: dict[tuple[GroupBy, str], list[tuple[Rule, NewestFacts]]] = defaultdict(list)

    def add(self, rule: Rule, key: str, facts: Iterable[Fact], *, after: float) -> None:
        """Add the newest facts of the window that a rule has of a key; all that are after a moment are there."""
        window = NewestFacts(after=after)
        window.fill(fact for fact in facts if fact.type in rule.watches)
        self._windows[rule.group_by, key].append((rule, window))

    def needing_older(self, facts: Iterable[Fact]) -> set[tuple[GroupBy, str]]:
        """Return the keys about which a rule can't answer without older facts, when it is asked about those of a batch.

        A finding needs them, too, since its incident shows all that led to it; and so does a judge that fails, because
        its fault has to be that of the whole window.
        """
        groups = {group_by for group_by, _key in self._windows}
        found: set[tuple[GroupBy, str]] = set()
        for fact in facts:
            for name in ((group_by, str(getattr(fact, group_by))) for group_by in groups):
                for rule, window in self._windows.get(name, ()):
                    if fact.type in rule.watches:
                        window.add(fact, since=fact.at - rule.window)
                        if fact.type in rule.triggers and not self._is_silent(rule, window):
                            found.add(name)
        return found

    def _is_silent(self, rule: Rule, window: NewestFacts) -> bool:
        try:
            return rule.judge(window, self._thresholds[rule.id]) is None
        except Exception:  # noqa: BLE001 - the rule is asked again about the whole window, and reports its fault then
            return False
