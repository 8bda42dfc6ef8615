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
    """At most ``MOST_FACTS`` facts. A judge must not keep it: the next fact changes it."""

    __slots__ = ("_facts", "_highest", "_summaries")

    def __init__(self) -> None:
        # Lists, because most windows hold few facts, and a deque takes 600 bytes.
        self._facts: list[Fact] = []
        self._highest: list[float] | None = None
        self._summaries: dict[type, WindowSummary] | None = None

    @overload
    def __getitem__(self, index: int) -> Fact: ...
    @overload
    def __getitem__(self, index: slice) -> list[Fact]: ...
    def __getitem__(self, index: int | slice) -> Fact | list[Fact]:
        return self._facts[index]

    def __len__(self) -> int:
        return len(self._facts)

    def __iter__(self) -> Iterator[Fact]:
        return iter(self._facts)

    def __reversed__(self) -> Iterator[Fact]:
        return reversed(self._facts)

    def add(self, fact: Fact, *, since: float) -> None:
        """Add the newest fact, after those at the begin that are older than ``since`` were deleted.

        Behind a fact that is young enough none is deleted, because times are not quite in the order of the trail.
        """
        facts = self._facts
        if facts and (facts[0].at < since or len(facts) >= MOST_FACTS):
            self._delete_older(since)
        facts.append(fact)
        if self._highest is not None:
            self._highest.append(max(self._highest[-1], fact.at))
        if self._summaries is not None:
            for summary in self._summaries.values():
                summary.add(fact)

    def fill(self, facts: Iterable[Fact]) -> None:
        """Add facts that came before those that a rule is asked about."""
        for fact in facts:
            self.add(fact, since=float("-inf"))

    def newest(self, since: float) -> list[Fact]:
        """Return the facts from a moment on, in their order."""
        facts = self._facts
        if len(facts) >= LARGE:
            if self._highest is None:
                self._highest = list(accumulate((fact.at for fact in facts), max))
            # All facts before this index are older. Deleted facts leave the numbers of the others too high at most.
            facts = facts[bisect_left(self._highest, since) :]
        return [fact for fact in facts if fact.at >= since]

    def summary(self, kind: type[Summary]) -> Summary:
        """Return a summary of the facts, which is kept while the window is large."""
        kept = self._summaries and self._summaries.get(kind)
        if isinstance(kept, kind):
            return kept
        made = _summary(kind, self._facts)
        if len(self._facts) >= LARGE:
            self._summaries = {**(self._summaries or {}), kind: made}
        return made

    def _delete_older(self, since: float) -> None:
        count = 0
        for each in self._facts:
            if each.at >= since:
                break
            count += 1
        count = max(count, len(self._facts) + 1 - MOST_FACTS)
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
