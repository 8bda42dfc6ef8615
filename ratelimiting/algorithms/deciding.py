"""One request against all its levels: what every store has to answer, as a pure function."""

from collections.abc import Sequence
from functools import lru_cache
from types import ModuleType
from typing import Any

from ratelimiting.algorithms import fixed_window, sliding_window, token_bucket
from ratelimiting.algorithms.exactness import MICROSECONDS, State
from ratelimiting.types import Algorithm, Level, Mode, Quota, Verdict

ALGORITHMS: dict[Algorithm, ModuleType] = {
    Algorithm.TOKEN_BUCKET: token_bucket,
    Algorithm.SLIDING_WINDOW: sliding_window,
    Algorithm.FIXED_WINDOW: fixed_window,
}


@lru_cache(maxsize=4096)
def measured(quota: Quota) -> tuple[ModuleType, Any]:
    """Return a quota's algorithm and its measure in whole numbers.

    Raises: ValueError for a quota that nobody could pass.
    """
    algorithm = ALGORITHMS[quota.algorithm]
    return algorithm, algorithm.measure(quota)


def decide(
    levels: Sequence[Level], states: Sequence[State | None], now: int, *, is_charged: bool = True
) -> tuple[tuple[Verdict, ...], list[State | None]]:
    """Return what each level says, and each level's new state where the request took something.

    First every level is asked. Only when all that are enforced let the request pass, it is charged: to each of them,
    and to those in shadow that have room for it. A level in shadow without room says so, refuses nobody and is charged
    nothing. A refused request takes nothing from any level.
    """
    looks, passes = [], is_charged
    for level, state in zip(levels, states, strict=True):
        algorithm, measure = measured(level.quota)
        cost = algorithm.bounded(level.cost, measure)
        state_seen = algorithm.seen(state, now, measure)
        wait = algorithm.wait(state_seen, now, measure, cost)
        if wait and level.mode is not Mode.SHADOW:
            passes = False
        looks.append((level, algorithm, measure, cost, state_seen, wait))
    verdicts: list[Verdict] = []
    charged: list[State | None] = []
    for level, algorithm, measure, cost, state_seen, wait in looks:
        state = algorithm.charged(state_seen, measure, cost) if passes and wait == 0 and cost else None
        remaining, reset = algorithm.left(state or state_seen, now, measure)
        verdicts.append(Verdict(level, wait == 0, remaining, reset / MICROSECONDS, wait / MICROSECONDS))
        charged.append(state)
    return tuple(verdicts), charged
