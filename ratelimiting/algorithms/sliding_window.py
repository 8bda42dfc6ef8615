"""Sliding window: two counters, of which the older one loses weight as time passes.

A request counts together with this window's requests and with the share of the previous window's that a window ending
now still covers. So no burst follows a full window, as it would with fixed windows, and a key needs two numbers
instead of one for each request. A state is (start, current, previous).
"""

from dataclasses import dataclass
from typing import ClassVar

from ratelimiting.algorithms.exact_integers import LARGEST_EXACT, MICROSECONDS, ceil_div, require_passable
from ratelimiting.algorithms.protocol import State
from ratelimiting.types import Quota


@dataclass(frozen=True, slots=True)
class SlidingWindow:
    """A quota for a sliding window of ``ticks`` ticks. A tick is ``tick`` microseconds: 1 unless the quota is huge."""

    code: ClassVar[int] = 2

    window: int
    limit: int
    ticks: int
    tick: int

    @classmethod
    def of(cls, quota: Quota) -> "SlidingWindow":
        """Return the algorithm for a quota.

        Raises: ValueError for a quota that no request could pass.
        """
        require_passable(quota)
        window = round(quota.window * MICROSECONDS)
        # Coarser ticks let the previous window weigh a little longer: stricter than the quota, never more generous.
        tick = ceil_div(quota.limit * window, LARGEST_EXACT)
        return cls(window, quota.limit, ceil_div(window, tick), tick)

    @property
    def parameters(self) -> tuple[int, int, int, int]:
        return self.window, self.limit, self.ticks, self.tick

    def cap_cost(self, cost: int) -> int:
        return min(cost, self.limit + 1)

    def current_state(self, state: State | None, now: int) -> State:
        """Return the counters of the window that contains ``now`` and of the one before it.

        If the clock was set back, the window that had begun continues. A window that begins more than one window
        ahead is discarded.
        """
        begin = now - now % self.window
        if state is None or state[0] - begin > self.window:
            return (begin, 0, 0)
        start, current, previous = state
        if begin > start:
            previous = current if begin - start == self.window else 0
            start, current = begin, 0
        # The limit may have been lowered since: from now on the lower one counts.
        return (start, min(current, self.limit), min(previous, self.limit))

    def wait_for(self, cost: int, state: State, now: int) -> int:
        window, limit, ticks, tick = self.window, self.limit, self.ticks, self.tick
        start, current, previous = state
        if self._used(state, now) + cost * ticks <= limit * ticks:
            return 0
        room = limit - cost
        if room < 0:
            offset = 2 * window
        elif current <= room:
            offset = min((ticks - (room - current) * ticks // previous) * tick, window)
        else:
            offset = window + min((ticks - room * ticks // current) * tick, window)
        return start + offset - now

    def charge(self, cost: int, state: State) -> State:
        return (state[0], state[1] + cost, state[2])

    def remaining(self, state: State, now: int) -> tuple[int, int]:
        start, current, previous = state
        left = max(0, (self.limit * self.ticks - self._used(state, now)) // self.ticks)
        windows = 2 if current else 1 if previous else 0
        return left, (start + windows * self.window - now if windows else 0)

    def estimate_state(self, remaining: int, reset: int, now: int) -> State:
        """Return a state at least as strict: all that is used is counted in this window."""
        del reset
        return (now - now % self.window, self.limit - remaining, 0)

    def _used(self, state: State, now: int) -> int:
        """Return how much is used, in ticks' shares: the previous window counts by the part still covered."""
        start, current, previous = state
        elapsed = max(0, now - start) // self.tick
        return current * self.ticks + previous * (self.ticks - elapsed)
