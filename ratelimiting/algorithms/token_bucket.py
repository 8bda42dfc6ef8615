"""Token bucket: ``limit`` tokens flow in during each ``window``, up to ``burst``; a request takes its cost.

Time is integer microseconds. Tokens are counted in units chosen so that each microsecond adds a whole number of them:
nothing is rounded, and Lua's doubles give the same numbers as Python's integers. A state is (used, at, unit): how many
units were missing at the instant ``at``, and how many units made a token then (the quota may have changed since).
"""

import math
from dataclasses import dataclass
from typing import ClassVar

from ratelimiting.algorithms.exact_integers import LARGEST_EXACT, MICROSECONDS, ceil_div, require_passable
from ratelimiting.algorithms.protocol import State
from ratelimiting.types import Quota


@dataclass(frozen=True, slots=True)
class TokenBucket:
    """A quota for a token bucket: ``rate`` units flow in during each microsecond, a token is ``unit`` of them."""

    code: ClassVar[int] = 1

    window: int
    capacity: int
    unit: int
    rate: int

    @classmethod
    def of(cls, quota: Quota) -> "TokenBucket":
        """Return the algorithm for a quota.

        Raises: ValueError for a quota that no request could pass, or too fine to be counted exactly.
        """
        require_passable(quota)
        window = round(quota.window * MICROSECONDS)
        burst = quota.limit if quota.burst is None else quota.burst
        common = math.gcd(quota.limit, window)
        unit, rate = window // common, quota.limit // common
        # What a double can't hold exactly is made coarser: the rate is rounded down and the price of a token up, so
        # that the bucket is stricter than the quota and never more generous.
        coarseness = ceil_div(burst * unit, LARGEST_EXACT)
        if coarseness > rate:
            raise ValueError(f"A burst of {burst} at {quota.limit} in {quota.window} seconds is too fine to count.")
        unit, rate = ceil_div(unit, coarseness), rate // coarseness
        return cls(window, burst * unit, unit, rate)

    @property
    def parameters(self) -> tuple[int, int, int, int]:
        return self.window, self.capacity, self.unit, self.rate

    def cap_cost(self, cost: int) -> int:
        return min(cost, self.capacity // self.unit + 1)

    def current_state(self, state: State | None, now: int) -> State:
        """Return the state after the tokens of the time since ``at`` flowed in.

        If the clock was set back by at most a window, the bucket stands still until the clock has caught up. A state
        from farther ahead was written by another clock and is discarded.
        """
        if state is None or state[1] - now > self.window:
            return (0, now, self.unit)
        used, at, unit = state
        if unit != self.unit:
            used = math.ceil(float(used) * self.unit / unit)
        used = min(used, self.capacity)
        if now > at:
            used, at = max(0, used - (now - at) * self.rate), now
        return (used, at, self.unit)

    def wait_for(self, cost: int, state: State, now: int) -> int:
        missing = state[0] + cost * self.unit - self.capacity
        return 0 if missing <= 0 else state[1] - now + ceil_div(missing, self.rate)

    def charge(self, cost: int, state: State) -> State:
        return (state[0] + cost * self.unit, state[1], state[2])

    def remaining(self, state: State, now: int) -> tuple[int, int]:
        used, at, _ = state
        return (self.capacity - used) // self.unit, (at - now + ceil_div(used, self.rate) if used else 0)

    def estimate_state(self, remaining: int, reset: int, now: int) -> State:
        del remaining
        return (min(self.capacity, reset * self.rate), now, self.unit)
