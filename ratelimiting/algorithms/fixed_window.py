"""Fixed window: at most ``limit`` in each window. Windows follow each other from the epoch on.

Cheap and easy to explain; around a boundary twice the limit may pass in a short time. A state is (start, count, 0).
"""

from dataclasses import dataclass
from typing import ClassVar

from ratelimiting.algorithms.exact_integers import MICROSECONDS, require_passable
from ratelimiting.algorithms.protocol import State
from ratelimiting.types import Quota


@dataclass(frozen=True, slots=True)
class FixedWindow:
    """A quota for fixed windows: the window in microseconds and how many requests it allows."""

    code: ClassVar[int] = 3

    window: int
    limit: int

    @classmethod
    def of(cls, quota: Quota) -> "FixedWindow":
        """Return the algorithm for a quota.

        Raises: ValueError for a quota that no request could pass.
        """
        require_passable(quota)
        return cls(round(quota.window * MICROSECONDS), quota.limit)

    @property
    def parameters(self) -> tuple[int, int, int, int]:
        return self.window, self.limit, 0, 0

    def cap_cost(self, cost: int) -> int:
        return min(cost, self.limit + 1)

    def current_state(self, state: State | None, now: int) -> State:
        """Return the state of the window that contains ``now``.

        If the clock was set back, the window that had begun continues. A window that begins more than one window
        ahead is discarded.
        """
        begin = now - now % self.window
        if state is None or begin > state[0] or state[0] - begin > self.window:
            return (begin, 0, 0)
        return state

    def wait_for(self, cost: int, state: State, now: int) -> int:
        return 0 if state[1] + cost <= self.limit else state[0] + self.window - now

    def charge(self, cost: int, state: State) -> State:
        return (state[0], state[1] + cost, 0)

    def remaining(self, state: State, now: int) -> tuple[int, int]:
        return max(0, self.limit - state[1]), (state[0] + self.window - now if state[1] else 0)

    def estimate_state(self, remaining: int, reset: int, now: int) -> State:
        del reset
        return (now - now % self.window, self.limit - remaining, 0)
