"""Token bucket: tokens flow in at ``limit`` a ``window`` up to ``burst``; a request takes its cost.

Time is whole microseconds and tokens are counted in units of which one microsecond brings a whole number, so nothing
is ever rounded and Lua's doubles give the same numbers as Python's integers. A state is (used, at, unit): the units
missing at the moment ``at``, and how many units a token had then, for a quota that has changed since.
"""

import math
from typing import NamedTuple

from ratelimiting.algorithms.exactness import LARGEST, MICROSECONDS, State, ceil_div, refuse_nonsense
from ratelimiting.types import Quota

CODE = 1


class Measure(NamedTuple):
    """A quota in whole numbers: ``rate`` units flow in each microsecond, a token is ``unit`` of them."""

    window: int
    capacity: int
    unit: int
    rate: int


def measure(quota: Quota) -> Measure:
    """Turn a quota into whole numbers.

    Raises: ValueError for a quota that nobody could pass, or too fine to count.
    """
    refuse_nonsense(quota)
    window = round(quota.window * MICROSECONDS)
    burst = quota.limit if quota.burst is None else quota.burst
    common = math.gcd(quota.limit, window)
    unit, rate = window // common, quota.limit // common
    # Beyond what a double counts exactly the flow is rounded down and the price up: stricter, never more generous.
    coarseness = ceil_div(burst * unit, LARGEST)
    if coarseness > rate:
        raise ValueError(f"A burst of {burst} at {quota.limit} in {quota.window} seconds is too fine to count.")
    unit, rate = ceil_div(unit, coarseness), rate // coarseness
    return Measure(window, burst * unit, unit, rate)


def bounded(cost: int, measure: Measure) -> int:
    """Return the cost, or the least one that can never pass."""
    return min(cost, measure.capacity // measure.unit + 1)


def seen(state: State | None, now: int, measure: Measure) -> State:
    """Return what a state has become by now.

    A clock that went back by at most a window stands still until it has caught up; a state from farther ahead was
    written by another clock and is forgotten.
    """
    if state is None or state[1] - now > measure.window:
        return (0, now, measure.unit)
    used, at, unit = state
    if unit != measure.unit:
        used = math.ceil(float(used) * measure.unit / unit)
    used = min(used, measure.capacity)
    if now > at:
        used, at = max(0, used - (now - at) * measure.rate), now
    return (used, at, measure.unit)


def wait(state: State, now: int, measure: Measure, cost: int) -> int:
    """Return after how many microseconds the request would pass: 0 is now."""
    missing = state[0] + cost * measure.unit - measure.capacity
    return 0 if missing <= 0 else state[1] - now + ceil_div(missing, measure.rate)


def charged(state: State, measure: Measure, cost: int) -> State:
    """Return the state after a request that passed."""
    return (state[0] + cost * measure.unit, state[1], state[2])


def left(state: State, now: int, measure: Measure) -> tuple[int, int]:
    """Return how many tokens are left, and after how many microseconds the bucket is full."""
    used, at, _ = state
    remaining = (measure.capacity - used) // measure.unit
    return remaining, (at - now + ceil_div(used, measure.rate) if used else 0)


def guessed(now: int, measure: Measure, remaining: int, reset: int) -> State:
    """Return the state of which ``left`` told these numbers."""
    del remaining
    return (min(measure.capacity, reset * measure.rate), now, measure.unit)
