"""Read the windows of a batch, and keep the large ones for the next batch."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from security_events.detection.fact_window import MOST_FACTS
from security_events.detection.facts import Fact
from security_events.detection.rules import GroupBy, Rule
from security_events.detection.windows import MemoryWindows
from security_events.selectors import detection_windows
from security_events.selectors.detection_windows import WindowRequest
from security_events.selectors.trail import TrailPosition

LARGE = 100  # facts; smaller windows are read by a few pages of an index
MOST_KEPT = 100_000  # facts of all windows together, about 80 MB; only a site with fifty busy programs has so many
_UNUSED_BATCHES = 240  # then a window is forgotten; two minutes of a busy site
_MARGIN = 0.001  # seconds: the database rounds to microseconds


class WindowSource(NamedTuple):
    """What rules have in common whose windows are parts of the longest one: the same facts, for a shorter time."""

    group_by: GroupBy
    watches: frozenset[str]

    @classmethod
    def of(cls, rule: Rule) -> "WindowSource":
        """Return the source of a rule's windows."""
        return cls(rule.group_by, rule.watches)


_Window = tuple[WindowSource, str]


class KeptWindows:
    """The windows of some rules between batches.

    The windows of all rules with the same source are filled by the same rows: the newest facts of a short window are
    the newest ones of a longer window, too, so that the bound of both is the same.
    """

    def __init__(self, rules: Iterable[Rule] = ()) -> None:
        self._triggered: dict[str, dict[WindowSource, None]] = defaultdict(dict)  # in order, each once
        self._rules: dict[WindowSource, list[Rule]] = defaultdict(list)
        for rule in rules:
            self._rules[WindowSource.of(rule)].append(rule)
            for event_type in rule.triggers:
                self._triggered[event_type][WindowSource.of(rule)] = None
        self._longest = {source: max(rule.window for rule in found) for source, found in self._rules.items()}
        self._kept: dict[_Window, int] = {}  # the batch in which each was used last
        self._batch = 0
        self._read: Sequence[_Window] = ()

    def fill(self, windows: MemoryWindows, facts: Sequence[Fact], *, up_to: TrailPosition) -> None:
        """Read the windows that rules will be asked about and that are not kept."""
        self._batch += 1
        first = self._needed(facts)
        self._kept |= {window: self._batch for window in first if window in self._kept}
        self._read = [window for window in first if window not in self._kept]
        found = self._facts_before(first, up_to=up_to)
        for source, key in self._read:
            before = found[source, key]
            for rule in self._rules[source]:
                since = first[source, key] - rule.window - _MARGIN
                windows.fill(rule, key, (fact for fact in before if fact.at >= since))

    def _facts_before(
        self, first: Mapping[_Window, float], *, up_to: TrailPosition
    ) -> Mapping[_Window, Sequence[Fact]]:
        """Return the facts of the windows that are to be read.

        To find a fact costs as much as all else about it, so a key is read once for all sources. A key with so many
        facts that the read was cut off is read again for each source.
        """
        requests = {
            (source, key): WindowRequest(
                source.group_by, key, source.watches, first[source, key] - self._longest[source]
            )
            for source, key in self._read
        }
        together: dict[tuple[GroupBy, str], WindowRequest] = {}
        for each in requests.values():
            known = together.get((each.group_by, each.key), each)
            together[each.group_by, each.key] = each._replace(
                types=each.types | known.types, since=min(each.since, known.since)
            )
        of_keys = dict(zip(together, detection_windows.windows([*together.values()], up_to=up_to), strict=True))
        again = {
            window: each
            for window, each in requests.items()
            if len(of_keys[each.group_by, each.key]) >= MOST_FACTS and each != together[each.group_by, each.key]
        }
        alone = dict(zip(again, detection_windows.windows([*again.values()], up_to=up_to), strict=True))
        return {
            window: alone[window]
            if window in alone
            else [fact for fact in of_keys[each.group_by, each.key] if fact.type in each.types]
            for window, each in requests.items()
        }

    def keep_large(self, windows: MemoryWindows) -> None:
        """Decide which windows stay for the next batch, and forget the others."""
        used_since = self._batch - _UNUSED_BATCHES
        self._kept = {window: used for window, used in self._kept.items() if used > used_since}
        room = MOST_KEPT - sum(self._size(windows, window) for window in self._kept)
        for window in self._read:
            # A window grows up to MOST_FACTS. What is kept already is not given up for another one: when there are too
            # many large windows, each would push out the next one before it is used again.
            if self._size(windows, window) >= LARGE and room >= MOST_FACTS:
                self._kept[window] = self._batch
                room -= self._size(windows, window)
        windows.keep_only({(rule.id, key) for source, key in self._kept for rule in self._rules[source]})

    def _needed(self, facts: Sequence[Fact]) -> Mapping[_Window, float]:
        """Return the windows that some rule will be asked about, and the time of the first event in question."""
        first: dict[_Window, float] = {}
        for fact in facts:
            for source in self._triggered.get(fact.type, ()):
                if key := str(getattr(fact, source.group_by)):
                    window = source, key
                    first[window] = min(first.get(window, fact.at), fact.at)
        return first

    def _size(self, windows: MemoryWindows, window: _Window) -> int:
        source, key = window
        return max((windows.size(rule, key) for rule in self._rules[source]), default=0)
