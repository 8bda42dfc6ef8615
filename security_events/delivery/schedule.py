"""When a delivery that failed is tried again."""

import random
from collections.abc import Sequence
from datetime import timedelta

# The example schedule of Standard Webhooks 1.0.0, "Retries": 75 h 35 min in all.
RETRY_DELAYS = (
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=14),
    timedelta(hours=20),
    timedelta(hours=24),
)
PARKED_AFTER = timedelta(hours=76)
PROBE_EVERY = timedelta(hours=1)
_JITTER = 0.1  # of the delay, added to it
_LONGEST_RETRY_AFTER = timedelta(hours=24)


def is_given_up(*, attempts: int, failing_for: timedelta, delays: Sequence[timedelta] = RETRY_DELAYS) -> bool:
    """Return whether a sink is to be parked: it failed once more than there are delays, or for 76 hours."""
    return attempts > len(delays) or failing_for >= PARKED_AFTER


def delay_after(
    *,
    attempts: int,
    is_parked: bool,
    retry_after: timedelta | None = None,
    delays: Sequence[timedelta] = RETRY_DELAYS,
    chance: random.Random | None = None,
) -> timedelta:
    """Return how long to wait after a number of failed attempts in a row, 1 or more.

    Up to a tenth is added by chance, so that the sinks of a receiver that was down do not all come back at once.
    ``retry_after`` is what the receiver asks for, up to a day; it never shortens the delay.
    """
    delay = PROBE_EVERY if is_parked else delays[min(attempts, len(delays)) - 1]
    delay *= 1 + _JITTER * (chance or random).random()
    return max(delay, min(retry_after or timedelta(), _LONGEST_RETRY_AFTER))
