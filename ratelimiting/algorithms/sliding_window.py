"""Sliding window: two counters, of which the older one weighs less with every moment.

Counted are this window's requests and the share of the last window's that a window ending now would still cover. A full
window is therefore followed by no burst at the boundary, as it would be with fixed windows, and two numbers are kept
instead of one for each request. A state is (start, current, previous).
"""

from typing import NamedTuple

from ratelimiting.algorithms.exactness import LARGEST, MICROSECONDS, State, ceil_div, refuse_nonsense
from ratelimiting.types import Quota

CODE = 2


class Measure(NamedTuple):
    """A quota in whole numbers: the window has ``ticks`` ticks of ``tick`` microseconds, one unless it is immense."""

    window: int
    limit: int
    ticks: int
    tick: int


def measure(quota: Quota) -> Measure:
    """Turn a quota into whole numbers.

    Raises: ValueError for a quota that nobody could pass.
    """
    refuse_nonsense(quota)
    window = round(quota.window * MICROSECONDS)
    # Coarser ticks let the last window weigh a little longer: stricter, never more generous.
    tick = ceil_div(quota.limit * window, LARGEST)
    return Measure(window, quota.limit, ceil_div(window, tick), tick)


def bounded(cost: int, measure: Measure) -> int:
    """Return the cost, or the least one that can never pass."""
    return min(cost, measure.limit + 1)


def seen(state: State | None, now: int, measure: Measure) -> State:
    """Return what a state has become by now.

    After a clock went back, the window that had begun goes on; one from more than a window ahead is forgotten.
    """
    begin = now - now % measure.window
    if state is None or state[0] - begin > measure.window:
        return (begin, 0, 0)
    start, current, previous = state
    if begin > start:
        previous = current if begin - start == measure.window else 0
        start, current = begin, 0
    # A limit that was lowered since counts from now on.
    return (start, min(current, measure.limit), min(previous, measure.limit))


def wait(state: State, now: int, measure: Measure, cost: int) -> int:
    """Return after how many microseconds the request would pass: 0 is now."""
    window, limit, ticks, tick = measure
    start, current, previous = state
    if _used(state, now, measure) + cost * ticks <= limit * ticks:
        return 0
    room = limit - cost
    if room < 0:
        offset = 2 * window
    elif current <= room:
        offset = min((ticks - (room - current) * ticks // previous) * tick, window)
    else:
        offset = window + min((ticks - room * ticks // current) * tick, window)
    return start + offset - now


def charged(state: State, measure: Measure, cost: int) -> State:
    """Return the state after a request that passed."""
    del measure
    return (state[0], state[1] + cost, state[2])


def left(state: State, now: int, measure: Measure) -> tuple[int, int]:
    """Return how much is left at this moment, and after how many microseconds all is."""
    start, current, previous = state
    remaining = max(0, (measure.limit * measure.ticks - _used(state, now, measure)) // measure.ticks)
    windows = 2 if current else 1 if previous else 0
    return remaining, (start + windows * measure.window - now if windows else 0)


def guessed(now: int, measure: Measure, remaining: int, reset: int) -> State:
    """Return a state that is at least as strict as the one of which ``left`` told these numbers."""
    del reset
    return (now - now % measure.window, measure.limit - remaining, 0)


def _used(state: State, now: int, measure: Measure) -> int:
    start, current, previous = state
    elapsed = max(0, now - start) // measure.tick
    return current * measure.ticks + previous * (measure.ticks - elapsed)
