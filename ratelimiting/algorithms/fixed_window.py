"""Fixed window: ``limit`` in each window, and windows follow each other from the epoch on.

Cheap and easy to explain; around a boundary twice the limit may pass in a short time. A state is (start, count, 0).
"""

from typing import NamedTuple

from ratelimiting.algorithms.exactness import MICROSECONDS, State, refuse_nonsense
from ratelimiting.types import Quota

CODE = 3


class Measure(NamedTuple):
    """A quota in whole numbers."""

    window: int
    limit: int


def measure(quota: Quota) -> Measure:
    """Turn a quota into whole numbers.

    Raises: ValueError for a quota that nobody could pass.
    """
    refuse_nonsense(quota)
    return Measure(round(quota.window * MICROSECONDS), quota.limit)


def bounded(cost: int, measure: Measure) -> int:
    """Return the cost, or the least one that can never pass."""
    return min(cost, measure.limit + 1)


def seen(state: State | None, now: int, measure: Measure) -> State:
    """Return what a state has become by now.

    After a clock went back, the window that had begun goes on; one from more than a window ahead is forgotten.
    """
    begin = now - now % measure.window
    if state is None or begin > state[0] or state[0] - begin > measure.window:
        return (begin, 0, 0)
    return state


def wait(state: State, now: int, measure: Measure, cost: int) -> int:
    """Return after how many microseconds the request would pass: 0 is now."""
    return 0 if state[1] + cost <= measure.limit else state[0] + measure.window - now


def charged(state: State, measure: Measure, cost: int) -> State:
    """Return the state after a request that passed."""
    del measure
    return (state[0], state[1] + cost, 0)


def left(state: State, now: int, measure: Measure) -> tuple[int, int]:
    """Return how much is left in this window, and after how many microseconds all is."""
    return max(0, measure.limit - state[1]), (state[0] + measure.window - now if state[1] else 0)


def guessed(now: int, measure: Measure, remaining: int, reset: int) -> State:
    """Return the state of which ``left`` told these numbers."""
    del reset
    return (now - now % measure.window, measure.limit - remaining, 0)
