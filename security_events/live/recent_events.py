"""The events that a process read last, so that each is read from the database once for all its listeners."""

from bisect import bisect_right
from collections.abc import Sequence

from security_events.event_form import canonical_bytes
from security_events.selectors.trail import TrailEvent, TrailPosition

MOST_EVENTS = 4096
MOST_BYTES = 16 * 1024 * 1024  # of their JSON


class RecentEvent:
    """An event with its JSON, which is made once: the bytes of RFC 8785, as in the sealed trail."""

    __slots__ = ("form", "json", "position")

    def __init__(self, event: TrailEvent) -> None:
        self.position = event.position
        self.form = event.form
        self.json = canonical_bytes(event.form)


class RecentEvents:
    """The events behind ``start``, up to ``end``, without a gap. The oldest ones leave when there are too many."""

    def __init__(self, start: TrailPosition, *, most: int = MOST_EVENTS) -> None:
        self.start = self.end = start
        self._most = most
        self._events: list[RecentEvent] = []
        self._positions: list[TrailPosition] = []
        self._bytes = 0

    def append(self, events: Sequence[RecentEvent]) -> None:
        """Add the next events of the trail."""
        self._events += events
        self._positions += [event.position for event in events]
        self._bytes += sum(len(event.json) for event in events)
        if events:
            self.end = events[-1].position
        surplus = 0
        while surplus < len(self._events) and (len(self._events) - surplus > self._most or self._bytes > MOST_BYTES):
            self._bytes -= len(self._events[surplus].json)
            self.start = self._positions[surplus]
            surplus += 1
        if surplus:
            del self._events[:surplus], self._positions[:surplus]

    def between(self, after: TrailPosition, until: TrailPosition, *, limit: int) -> Sequence[RecentEvent] | None:
        """Return the next events behind ``after``, up to ``until``; ``None`` if some of them are not here any more."""
        if after < self.start:
            return None
        first = bisect_right(self._positions, after)
        last = min(bisect_right(self._positions, until, lo=first), first + limit)
        return self._events[first:last]
