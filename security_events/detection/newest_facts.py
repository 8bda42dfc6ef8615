"""Windows of which only a part was read, because most questions of a rule need no more.

A rule that looks back for a month is asked at each failed sign-in, and its answer is nearly always clear from the last
minutes; at a sign-in that succeeded, from the last one before it. To read the fifty facts that the month of an account
has took half of what detection cost the database. So the engine asks a judge before it has read anything. A judge that
asks for a fact that was not read raises ``OlderFactsNeeded``, which says what is missing; then the engine reads that,
and asks again. Judges need no change: what they were not given they have not used.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from security_events.detection.fact_window import FactWindow, Summary
from security_events.detection.facts import Fact
from security_events.detection.rules import Rule

# Seconds: of two facts that are further from each other, the earlier one comes first in the trail. No transaction that
# records events takes longer.
_ORDERED = 3600.0
NOTHING = float("inf")  # the moment after which all facts are known, when none was read


class MissingFacts(NamedTuple):
    """What a judge asks for: the facts since a moment, the newest ones one by one (``is_newest``), or all."""

    since: float = float("-inf")
    is_newest: bool = False


ALL = MissingFacts()


class OlderFactsNeeded(Exception):
    """A judge asked for facts that were not read."""

    def __init__(self, missing: MissingFacts = ALL) -> None:
        super().__init__(missing)
        self.missing = missing


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
        self._trim()
        for fact in reversed(self._facts):
            if fact.at <= self._after + _ORDERED:
                break
            yield fact
        raise OlderFactsNeeded(MissingFacts(is_newest=True))

    def newest(self, since: float) -> list[Fact]:
        if since <= self._after:
            raise OlderFactsNeeded(MissingFacts(since))
        return super().newest(since)

    def summary(self, kind: type[Summary]) -> Summary:
        raise OlderFactsNeeded


def missing_facts(
    rule: Rule, thresholds: Mapping[str, int], *, known: Iterable[Fact], after: float, batch: Iterable[Fact]
) -> MissingFacts | None:
    """Return what a rule needs to answer about the facts of a batch with its key, if it needs more than it is given.

    ``known`` are the facts of its window before the batch: all that are later than ``after``. A finding needs all, too,
    since its incident shows all that led to it; and so does a judge that fails, because its fault has to be that of the
    whole window.
    """
    window = NewestFacts(after=after)
    window.fill(fact for fact in known if fact.type in rule.watches)
    for fact in batch:
        if fact.type in rule.watches:
            window.add(fact, fact.at - rule.window)
            if rule.is_asked_about(fact) and (missing := _missing(rule, window, thresholds)):
                return missing
    return None


def _missing(rule: Rule, window: NewestFacts, thresholds: Mapping[str, int]) -> MissingFacts | None:
    try:
        return None if rule.judge(window, thresholds) is None else ALL
    except OlderFactsNeeded as needed:
        return needed.missing
    except Exception:  # noqa: BLE001 - the rule is asked again about the whole window, and reports its fault then
        return ALL
