"""What one listener of a feed has been given, and what it is still to be given.

There is one way for live events, for those that a client missed, and for those that left memory: a part of the trail
that is read from its beginning to its end. So nothing is left out between the ways, and nothing is given twice.
"""

import asyncio
from collections import deque
from dataclasses import dataclass
from uuid import UUID

from security_events.selectors.trail import TrailPosition

MOST_RESUMPTIONS = 10  # that wait in one subscription


@dataclass(slots=True)
class TrailPart:
    """The events behind ``after``, up to ``until``. It was asked for by the event that stands at ``after``."""

    after: TrailPosition
    until: TrailPosition
    event_id: UUID


class TooManyResumptions(Exception):
    """A client asks to resume again and again without waiting for what it asked for before."""


class TrailSubscription:
    """The position of one listener.

    ``live`` is the position up to which it was given what came after its beginning. ``floor`` is the lowest position
    that it has asked for: what stands behind it was given, or is in one of the parts that wait.
    """

    def __init__(self, start: TrailPosition) -> None:
        self.live = start
        self.floor = start
        self.resumptions: deque[TrailPart] = deque()
        self.wake = asyncio.Event()

    def resume(self, after: TrailPosition) -> None:
        """Give the events behind ``after`` that stand below everything that was asked for so far.

        Raises: TooManyResumptions.
        """
        if len(self.resumptions) >= MOST_RESUMPTIONS:
            raise TooManyResumptions
        self.resumptions.append(TrailPart(after, self.floor, after.event_id))
        self.floor = min(self.floor, after)
        self.wake.set()
