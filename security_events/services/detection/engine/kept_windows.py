"""Read the windows of a batch, and keep the large ones for the next batch."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType

from security_events.detection.fact_window import MOST_FACTS
from security_events.detection.facts import Fact
from security_events.detection.rules import Rule
from security_events.detection.windows import MemoryWindows
from security_events.selectors.trail import TrailPosition
from security_events.services.detection.engine.window_reading import (
    LARGE,
    WindowName,
    WindowReader,
    WindowSource,
    since,
)

MOST_KEPT = 100_000  # facts of all windows together, about 80 MB; only a site with fifty busy programs has so many
_UNUSED_BATCHES = 240  # then a window is forgotten; two minutes of a busy site


class KeptWindows:
    """The windows of some rules between batches. ``thresholds`` are those in force, by the ids of rules.

    The windows of all rules with the same source are filled by the same rows: the newest facts of a short window are
    the newest ones of a longer window, too, so that the bound of both is the same.
    """

    def __init__(
        self, rules: Iterable[Rule] = (), *, thresholds: Mapping[str, Mapping[str, int]] = MappingProxyType({})
    ) -> None:
        self._triggered: dict[str, dict[WindowSource, None]] = defaultdict(dict)  # in order, each once
        self._rules: dict[WindowSource, list[Rule]] = defaultdict(list)
        for rule in rules:
            self._rules[WindowSource.of(rule)].append(rule)
            for event_type in rule.triggers:
                self._triggered[event_type][WindowSource.of(rule)] = None
        self._reader = WindowReader(self._rules, thresholds)
        self._kept: dict[WindowName, int] = {}  # the batch in which each was used last
        self._batch = 0
        self._read: dict[WindowName, None] = {}  # as a whole, in the last batch

    def fill(self, windows: MemoryWindows, facts: Sequence[Fact], *, up_to: TrailPosition) -> None:
        """Read the windows that rules will be asked about and that are not kept."""
        self._batch += 1
        first = self._needed(facts)
        self._kept |= {window: self._batch for window in first if window in self._kept}
        missing = {window: at for window, at in first.items() if window not in self._kept}
        self._read = dict.fromkeys(missing)
        for name, read in self._reader.read(missing, facts, up_to=up_to).items():
            for rule in self._rules[name.source]:
                begin = since(rule, first[name])
                of_rule = (fact for fact in read.facts if fact.at >= begin)
                if read.after < begin:
                    windows.fill(rule, name.key, of_rule)
                else:
                    windows.fill_newest(rule, name.key, of_rule, after=read.after)
                    self._read.pop(name, None)

    def keep_large(self, windows: MemoryWindows) -> None:
        """Decide which windows stay for the next batch, and forget the others."""
        used_since = self._batch - _UNUSED_BATCHES
        self._kept = {window: used for window, used in self._kept.items() if used > used_since}
        room = MOST_KEPT - sum(self._size(windows, window) for window in self._kept)
        if room < 0:
            room = self._forget_least_used(windows, room)
        for window in self._read:
            # A window grows up to MOST_FACTS. What is kept already is not given up for another one: when there are too
            # many large windows, each would push out the next one before it is used again.
            if self._size(windows, window) >= LARGE and room >= MOST_FACTS:
                self._kept[window] = self._batch
                room -= self._size(windows, window)
        windows.keep_only({(rule.id, key) for source, key in self._kept for rule in self._rules[source]})

    def _forget_least_used(self, windows: MemoryWindows, room: int) -> int:
        """Forget those windows that were used the longest ago, until there is room; return how much.

        What is kept grows after it was admitted, a window up to ``MOST_FACTS``.
        """
        for window, _used in sorted(self._kept.items(), key=lambda item: item[1]):
            if room >= 0:
                break
            room += self._size(windows, window)
            del self._kept[window]
        return room

    def _needed(self, facts: Sequence[Fact]) -> Mapping[WindowName, float]:
        """Return the windows that some rule will be asked about, and the time of the first event in question."""
        first: dict[WindowName, float] = {}
        for fact in facts:
            for source in self._triggered.get(fact.type, ()):
                if key := str(getattr(fact, source.group_by)):
                    window = WindowName(source, key)
                    first[window] = min(first.get(window, fact.at), fact.at)
        return first

    def _size(self, windows: MemoryWindows, window: WindowName) -> int:
        source, key = window
        return max((windows.size(rule, key) for rule in self._rules[source]), default=0)
