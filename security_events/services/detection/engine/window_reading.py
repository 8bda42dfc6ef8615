"""Read the windows of a batch: one statement for each kind of key, and of long windows the newest facts first."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, TypeVar

from security_events.detection.fact_window import MOST_FACTS
from security_events.detection.facts import Fact
from security_events.detection.newest_facts import NewestFactsOfRules
from security_events.detection.rules import GroupBy, Rule
from security_events.selectors.detection import detection_windows
from security_events.selectors.detection.detection_windows import WindowRequest
from security_events.selectors.trail import TrailPosition

MARGIN = 0.001  # seconds: the database rounds to microseconds
FEW = 6  # facts that are read first of a long window; an account with more failures in half an hour is read whole
_LONG = 86400  # seconds; a shorter window has few facts of one key, or is kept
_WHOLE = float("-inf")

Name = TypeVar("Name")


class WindowSource(NamedTuple):
    """What rules have in common whose windows are parts of the longest one: the same facts, for a shorter time."""

    group_by: GroupBy
    watches: frozenset[str]

    @classmethod
    def of(cls, rule: Rule) -> "WindowSource":
        """Return the source of a rule's windows."""
        return cls(rule.group_by, rule.watches)


_Key = tuple[GroupBy, str]


class WindowName(NamedTuple):
    """Which window: the facts of a source that have a key in common."""

    source: WindowSource
    key: str

    @property
    def read_by(self) -> _Key:
        """What the windows have in common that are read together."""
        return self.source.group_by, self.key


class ReadWindow(NamedTuple):
    """Facts in the order of the trail: all that are later than ``after``, and those of that moment in part."""

    facts: Sequence[Fact]
    after: float = _WHOLE


class WindowReader:
    """Reads the windows of some rules. ``thresholds`` are those in force, by the ids of rules."""

    def __init__(
        self, rules: Mapping[WindowSource, Sequence[Rule]], thresholds: Mapping[str, Mapping[str, int]]
    ) -> None:
        self._rules, self._thresholds = rules, thresholds
        self._longest = {source: max(rule.window for rule in found) for source, found in rules.items()}

    def read(
        self, first: Mapping[WindowName, float], facts: Sequence[Fact], *, up_to: TrailPosition
    ) -> Mapping[WindowName, ReadWindow]:
        """Return windows as they were before the facts of a batch, given the time of the first event in question.

        To find a fact costs as much as all else about it, so a key is read once for all sources. A key with so many
        facts that the read was cut off is read again for each source.
        """
        requests = {
            name: WindowRequest(*name.read_by, name.source.watches, at - self._longest[name.source])
            for name, at in first.items()
        }
        together = _together(requests)
        found = self._newest(first, facts, together, up_to)
        whole = {key: request for key, request in together.items() if key not in found}
        found |= {key: ReadWindow(each) for key, each in _read(whole, up_to).items()}
        again = {
            name: request
            for name, request in requests.items()
            if name.read_by in whole
            and len(found[name.read_by].facts) >= MOST_FACTS
            and request != together[name.read_by]
        }
        alone = {name: ReadWindow(each) for name, each in _read(again, up_to).items()}
        return {name: alone.get(name) or _part(found[name.read_by], request) for name, request in requests.items()}

    def _newest(
        self,
        first: Mapping[WindowName, float],
        facts: Sequence[Fact],
        together: Mapping[_Key, WindowRequest],
        up_to: TrailPosition,
    ) -> dict[_Key, ReadWindow]:
        """Return the newest facts of the keys with long windows of which no rule needs older ones."""
        long = {name.read_by: together[name.read_by] for name in first if self._longest[name.source] >= _LONG}
        found = {
            key: ReadWindow(each, min(fact.at for fact in each) if len(each) >= FEW else _WHOLE)
            for key, each in _read(long, up_to, most=FEW).items()
        }
        asked = NewestFactsOfRules(self._thresholds)
        for name, at in first.items():
            newest = found.get(name.read_by)
            for rule in self._rules[name.source]:
                if newest is not None and newest.after >= since(rule, at):
                    asked.add(rule, name.key, newest.facts, after=newest.after)
        needing_older = asked.needing_older(facts)
        return {key: each for key, each in found.items() if key not in needing_older}


def since(rule: Rule, at: float) -> float:
    """Return where the window of a rule begins that is asked about an event of that moment first."""
    return at - rule.window - MARGIN


def _together(requests: Mapping[WindowName, WindowRequest]) -> dict[_Key, WindowRequest]:
    """Return one request for each key: that of all types and of the longest window."""
    merged: dict[_Key, WindowRequest] = {}
    for name, each in requests.items():
        known = merged.get(name.read_by, each)
        merged[name.read_by] = each._replace(types=each.types | known.types, since=min(each.since, known.since))
    return merged


def _read(
    requests: Mapping[Name, WindowRequest], up_to: TrailPosition, *, most: int = MOST_FACTS
) -> dict[Name, list[Fact]]:
    found = detection_windows.windows([*requests.values()], up_to=up_to, most=most)
    return dict(zip(requests, found, strict=True))


def _part(window: ReadWindow, request: WindowRequest) -> ReadWindow:
    return window._replace(facts=[fact for fact in window.facts if fact.type in request.types])
