"""What one listener of a feed has been given, and what it is still to be given.

There is one way for new events, for those that a client missed, and for those that have left memory: a part of the
trail that is read from its beginning to its end. So nothing is left out between the ways, and nothing is given twice.
"""

import asyncio
from collections import deque
from dataclasses import dataclass
from uuid import UUID

from security_events.selectors.trail import TrailPosition

MOST_RESUMPTIONS = 10  # that wait in one subscription


@dataclass(slots=True)
class TrailPart:
    """The events behind ``after``, up to ``until``. ``event_id`` is the event by which a client asked for them."""

    after: TrailPosition
    until: TrailPosition
    event_id: UUID | None = None

    @property
    def is_complete(self) -> bool:
        return self.after >= self.until


class TooManyResumptions(Exception):
    """A client asks to resume again and again without waiting for what it asked for before."""


class TrailSubscription:
    """The position of one listener.

    ``live`` is the position up to which it was given what was committed since it began. ``floor`` is the lowest
    position that it has asked for: what stands behind it was given, or is in one of the parts that wait.
    """

    def __init__(self, start: TrailPosition) -> None:
        self.live = start
        self.floor = start
        self.wake = asyncio.Event()
        self._resumptions: deque[TrailPart] = deque()

    def resume(self, after: TrailPosition) -> None:
        """Ask for the events behind ``after`` that stand below everything that was asked for so far.

        New events that stand before ``after`` are left out: the client has them.

        Raises: TooManyResumptions.
        """
        if len(self._resumptions) >= MOST_RESUMPTIONS:
            raise TooManyResumptions
        self._resumptions.append(TrailPart(after, self.floor, after.event_id))
        self.floor = min(self.floor, after)
        self.live = max(self.live, after)
        self.wake.set()

    def next_part(self, end: TrailPosition) -> TrailPart | None:
        """Return what is to be given next, if the trail ends at ``end``: what was missed, then what is new.

        The part of a resumption may be complete already: then its client is told so.
        """
        if self._resumptions:
            return self._resumptions[0]
        return TrailPart(self.live, end) if end > self.live else None

    def advance(self, part: TrailPart, upto: TrailPosition) -> bool:
        """Note that a part was given up to a position; return whether that was all of it."""
        part.after = upto
        if part.event_id is None:
            self.live = max(self.live, upto)
        elif part.is_complete:
            self._resumptions.popleft()
        return part.is_complete
