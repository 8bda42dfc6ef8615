"""Decide one request by all its levels, as a pure function. Every store gives the same answers."""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import NamedTuple

from ratelimiting.algorithms.exact_integers import MICROSECONDS
from ratelimiting.algorithms.fixed_window import FixedWindow
from ratelimiting.algorithms.protocol import RateLimitAlgorithm, State
from ratelimiting.algorithms.sliding_window import SlidingWindow
from ratelimiting.algorithms.token_bucket import TokenBucket
from ratelimiting.types import Algorithm, Level, LevelResult, Mode, Quota

ALGORITHMS: dict[Algorithm, Callable[[Quota], RateLimitAlgorithm]] = {
    Algorithm.TOKEN_BUCKET: TokenBucket.of,
    Algorithm.SLIDING_WINDOW: SlidingWindow.of,
    Algorithm.FIXED_WINDOW: FixedWindow.of,
}


@lru_cache(maxsize=4096)
def algorithm_for(quota: Quota) -> RateLimitAlgorithm:
    """Return a quota's algorithm, prepared for counting.

    Raises: ValueError for a quota that no request could pass, or that can't be counted exactly.
    """
    return ALGORITHMS[quota.algorithm](quota)


class _Evaluated(NamedTuple):
    """A level before anything is charged."""

    level: Level
    algorithm: RateLimitAlgorithm
    cost: int
    state: State
    wait: int


def evaluate(
    levels: Sequence[Level], states: Sequence[State | None], now: int, *, is_charged: bool = True
) -> tuple[tuple[LevelResult, ...], list[State | None]]:
    """Return the answer of each level, and the new state of each level that was charged.

    First every level is evaluated. Only if all enforced levels allow the request, it is charged: to each of them, and
    to the levels in shadow mode that have room for it. A level in shadow mode without room reports that, refuses
    nothing and is not charged. A refused request is charged to no level.
    """
    found, passes = [], is_charged
    for level, stored in zip(levels, states, strict=True):
        algorithm = algorithm_for(level.quota)
        cost = algorithm.cap_cost(level.cost)
        state = algorithm.current_state(stored, now)
        wait = algorithm.wait_for(cost, state, now)
        if wait and level.mode is not Mode.SHADOW:
            passes = False
        found.append(_Evaluated(level, algorithm, cost, state, wait))
    results: list[LevelResult] = []
    charged: list[State | None] = []
    for level, algorithm, cost, state, wait in found:
        new = algorithm.charge(cost, state) if passes and wait == 0 and cost else None
        remaining, reset = algorithm.remaining(new or state, now)
        results.append(LevelResult(level, wait == 0, remaining, reset / MICROSECONDS, wait / MICROSECONDS))
        charged.append(new)
    return tuple(results), charged
