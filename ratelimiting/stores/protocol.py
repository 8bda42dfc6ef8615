"""What a store of counts does."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Protocol

from ratelimiting.types import Level, LimitDecision

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


class StoreUnavailable(Exception):
    """The shared store did not answer within its deadline, or answered with an error."""


class Store(Protocol):
    """Counts requests by the store's own clock.

    All levels of a request are decided in one atomic step. First every level is evaluated. Only if all enforced levels
    allow the request, it is charged: to each of them, and to the levels in shadow mode that have room for it. A level
    in shadow mode without room reports that, refuses nothing and is not charged. A refused request is charged to no
    level.

    The levels of one request have different keys, and the mode of none is ``off``.
    """

    def decide(self, levels: Sequence[Level]) -> LimitDecision:
        """Decide about a request, and charge it if it is allowed."""

    def peek(self, levels: Sequence[Level]) -> LimitDecision:
        """Return what ``decide`` would, without charging anything."""

    def reset(self, keys: Iterable[str]) -> int:
        """Delete the counts of these keys; return how many of them had one."""


def microseconds(instant: datetime) -> int:
    """Return an instant in integer microseconds since the epoch."""
    return (instant - EPOCH) // MICROSECOND
