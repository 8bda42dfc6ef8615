"""What a store answers."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Protocol

from ratelimiting.types import Decision, Level

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


class StoreUnavailable(Exception):
    """The shared store did not answer in time, or not with an answer."""


class Store(Protocol):
    """Counts requests. All levels of one are decided in one step that no other request can come between.

    First every level is asked. Only when all that are enforced let the request pass, it is charged: to each of them,
    and to those in shadow that have room for it. A level in shadow without room says so, refuses nobody and is charged
    nothing. A refused request takes nothing from any level, those in shadow included.

    The levels of one request have different keys, and none of them is off. ``now`` replaces the store's own clock.
    """

    def decide(self, levels: Sequence[Level], *, now: datetime | None = None) -> Decision:
        """Decide about a request and charge it if it passes."""

    def peek(self, levels: Sequence[Level], *, now: datetime | None = None) -> Decision:
        """Say what ``decide`` would, and charge nothing."""

    def reset(self, keys: Iterable[str]) -> int:
        """Forget what was counted under these keys, and say how many of them had been counted."""


def microseconds(now: datetime) -> int:
    """Return a moment in whole microseconds since the epoch."""
    return (now - EPOCH) // MICROSECOND
