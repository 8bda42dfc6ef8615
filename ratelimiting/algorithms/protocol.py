"""What an algorithm does. Each implementation is pure: the state and the time come in, the new state goes out."""

from typing import Protocol

# Three integers, whose meaning each algorithm documents.
State = tuple[int, int, int]


class RateLimitAlgorithm(Protocol):
    """A quota, prepared for counting. Times are integer microseconds, instants those since the epoch.

    ``stores/lua`` has the same algorithms. Property tests hold the two implementations together.
    """

    @property
    def code(self) -> int:
        """Return the number of the algorithm in Redis."""

    @property
    def parameters(self) -> tuple[int, int, int, int]:
        """Return the quota as the four integers that the Lua implementation takes."""

    def cap_cost(self, cost: int) -> int:
        """Return the cost, or the smallest cost that can never be allowed if that is less."""

    def current_state(self, state: State | None, now: int) -> State:
        """Return what a stored state has become by now; ``None`` stands for a key that was never charged."""

    def wait_for(self, cost: int, state: State, now: int) -> int:
        """Return after how many microseconds a request of this cost is allowed; 0 if it is now."""

    def charge(self, cost: int, state: State) -> State:
        """Return the state after a request of this cost was allowed."""

    def remaining(self, state: State, now: int) -> tuple[int, int]:
        """Return how much of the quota is available, and after how many microseconds all of it is."""

    def estimate_state(self, remaining: int, reset: int, now: int) -> State:
        """Return a state for which ``remaining`` gives these two numbers, or a stricter one."""
