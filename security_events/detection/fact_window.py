"""The window that a rule sees: facts in the order of the trail, and what judges ask of large ones without reading all.

A judge that reads a window of 2,000 facts at each of its triggers takes longer than all else that a backtest does. So a
large window keeps where the newest facts begin, and summaries that are updated when a fact comes and when one leaves.
A judge may be given any sequence: then the same is made from its facts.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate
from typing import Protocol, TypeVar, overload

from security_events.detection.facts import Fact

MOST_FACTS = 2000  # of one window; the newest are kept
LARGE = 32  # facts: to read fewer takes no longer than to keep anything about them


class WindowSummary(Protocol):
    """What is kept about the facts of a window. It is the same as that of a new summary with the facts still there."""

    def add(self, fact: Fact) -> None:
        """Count the newest fact."""

    def remove_oldest(self, fact: Fact) -> None:
        """Count the oldest fact no more."""


Summary = TypeVar("Summary", bound=WindowSummary)


class FactWindow(Sequence[Fact]):
    """At most ``MOST_FACTS`` facts. A judge must not keep it: the next fact changes it.

    Facts that have become too old are deleted when somebody reads further than the trigger, or when there are twice as
    many as after the last time. Most judges look at the trigger and the newest facts alone, and most facts that come
    make one too old: to delete it at once took an eighth of what a backtest does.
    """

    __slots__ = ("_facts", "_highest", "_since", "_summaries", "_untrimmed")

    def __init__(self) -> None:
        # Lists, because most windows hold few facts, and a deque takes 600 bytes.
        self._facts: list[Fact] = []
        self._since = float("-inf")
        self._untrimmed = LARGE
        self._highest: list[float] | None = None
        self._summaries: dict[type, WindowSummary] | None = None

    @overload
    def __getitem__(self, index: int) -> Fact: ...
    @overload
    def __getitem__(self, index: slice) -> list[Fact]: ...
    def __getitem__(self, index: int | slice) -> Fact | list[Fact]:
        if index != -1:
            self._trim()
        return self._facts[index]

    def __len__(self) -> int:
        self._trim()
        return len(self._facts)

    def __iter__(self) -> Iterator[Fact]:
        self._trim()
        return iter(self._facts)

    def __reversed__(self) -> Iterator[Fact]:
        self._trim()
        return reversed(self._facts)

    def add(self, fact: Fact, since: float) -> None:
        """Add the newest fact. Those at the begin that are older than ``since`` are no part of the window any more.

        Behind a fact that is young enough none is deleted, because times are not quite in the order of the trail.
        """
        facts = self._facts
        facts.append(fact)
        self._since = max(self._since, since)
        if self._highest is not None:
            self._highest.append(max(self._highest[-1], fact.at))
        if self._summaries is not None:
            for summary in self._summaries.values():
                summary.add(fact)
        if len(facts) > self._untrimmed:
            self._trim()
            self._untrimmed = min(MOST_FACTS, 2 * len(facts) + LARGE)

    def fill(self, facts: Iterable[Fact]) -> None:
        """Add facts that came before those that a rule is asked about."""
        for fact in facts:
            self.add(fact, float("-inf"))

    def newest(self, since: float) -> list[Fact]:
        """Return the facts from a moment on, in their order."""
        if since < self._since:
            self._trim()
        facts = self._facts
        if len(facts) >= LARGE:
            if self._highest is None:
                self._highest = list(accumulate((fact.at for fact in facts), max))
            # All facts before this index are older. Deleted facts leave the numbers of the others too high at most.
            facts = facts[bisect_left(self._highest, since) :]
        return [fact for fact in facts if fact.at >= since]

    def summary(self, kind: type[Summary]) -> Summary:
        """Return a summary of the facts, which is kept while the window is large."""
        self._trim()
        kept = self._summaries and self._summaries.get(kind)
        if isinstance(kept, kind):
            return kept
        made = _summary(kind, self._facts)
        if len(self._facts) >= LARGE:
            self._summaries = {**(self._summaries or {}), kind: made}
        return made

    def _trim(self) -> None:
        """Delete the facts that are no part of the window any more."""
        facts, since = self._facts, self._since
        if not facts or (facts[0].at >= since and len(facts) <= MOST_FACTS):
            return
        count = next((number for number, each in enumerate(facts) if each.at >= since), len(facts))
        count = max(count, len(facts) - MOST_FACTS)
        if len(self._facts) - count < LARGE:
            self._highest = self._summaries = None
        if self._highest is not None:
            del self._highest[:count]
        if self._summaries is not None:
            for fact in self._facts[:count]:
                for summary in self._summaries.values():
                    summary.remove_oldest(fact)
        del self._facts[:count]


def newest(facts: Sequence[Fact], since: float) -> list[Fact]:
    """Return the facts of a window from a moment on, in their order."""
    return facts.newest(since) if isinstance(facts, FactWindow) else [fact for fact in facts if fact.at >= since]


def summary_of(facts: Sequence[Fact], kind: type[Summary]) -> Summary:
    """Return a summary of the facts of a window."""
    return facts.summary(kind) if isinstance(facts, FactWindow) else _summary(kind, facts)


def _summary(kind: type[Summary], facts: Iterable[Fact]) -> Summary:
    summary = kind()
    for fact in facts:
        summary.add(fact)
    return summary
