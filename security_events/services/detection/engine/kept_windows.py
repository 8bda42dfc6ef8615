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
MOST_KEPT = 50_000  # facts of all windows together, about 40 MB; only a site with many busy programs has so many
_UNUSED_BATCHES = 240  # then a window is forgotten; two minutes of a busy site


class WindowShape(NamedTuple):
    """What rules have in common that see the same windows."""

    group_by: GroupBy
    watches: frozenset[str]
    seconds: int

    @classmethod
    def of(cls, rule: Rule) -> "WindowShape":
        """Return the shape of a rule's windows."""
        return cls(rule.group_by, rule.watches, rule.window)


_Window = tuple[WindowShape, str]


class KeptWindows:
    """The windows of some rules between batches."""

    def __init__(self, rules: Iterable[Rule] = ()) -> None:
        self._triggered: dict[str, list[Rule]] = defaultdict(list)
        self._rules: dict[WindowShape, list[Rule]] = defaultdict(list)
        for rule in rules:
            self._rules[WindowShape.of(rule)].append(rule)
            for event_type in rule.triggers:
                self._triggered[event_type].append(rule)
        self._kept: dict[_Window, int] = {}  # the batch in which each was used last
        self._batch = 0
        self._read: Sequence[_Window] = ()

    def fill(self, windows: MemoryWindows, facts: Sequence[Fact], *, up_to: TrailPosition) -> None:
        """Read the windows that rules will be asked about and that are not kept."""
        self._batch += 1
        since = self._needed(facts)
        self._kept |= {window: self._batch for window in since if window in self._kept}
        self._read = [window for window in since if window not in self._kept]
        requests = [
            WindowRequest(shape.group_by, key, shape.watches, since[shape, key] - shape.seconds)
            for shape, key in self._read
        ]
        found = detection_windows.windows(requests, up_to=up_to)
        for (shape, key), facts_before in zip(self._read, found, strict=True):
            for rule in self._rules[shape]:
                windows.fill(rule, key, facts_before)

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
        windows.keep_only({(rule.id, key) for shape, key in self._kept for rule in self._rules[shape]})

    def _needed(self, facts: Sequence[Fact]) -> Mapping[_Window, float]:
        """Return the windows that some rule will be asked about, and the time of the first event in question."""
        since: dict[_Window, float] = {}
        for fact in facts:
            for rule in self._triggered.get(fact.type, ()):
                if key := rule.key(fact):
                    window = WindowShape.of(rule), key
                    since[window] = min(since.get(window, fact.at), fact.at)
        return since

    def _size(self, windows: MemoryWindows, window: _Window) -> int:
        shape, key = window
        return max((windows.size(rule, key) for rule in self._rules[shape]), default=0)
