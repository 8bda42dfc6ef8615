"""Exponential backoff: some failures are free, each further one doubles the wait before the next attempt.

Pure. ``accounts`` does the same in one SQL statement; tests hold the two implementations together.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class Backoff:
    """The rule, in whole seconds.

    Failure number ``free`` is followed by a wait of ``first`` seconds, each further one by twice the wait before it, up
    to ``longest``. One failure is forgiven for each ``forgiven_after`` seconds without a failure; waits don't count.
    """

    free: int
    first: int
    longest: int
    forgiven_after: int

    def __post_init__(self) -> None:
        if self.free < 2 or not 0 < self.first <= self.longest or self.forgiven_after < 1:
            raise ValueError(self)

    @property
    def most(self) -> int:
        """The number up to which failures are counted; a higher one would only delay forgiveness."""
        doublings = 0
        while self.first << doublings < self.longest:
            doublings += 1
        # One more than the longest wait takes, so that a refund at the top doesn't shorten the next wait.
        return self.free + doublings + 1

    def wait_after(self, count: int) -> timedelta | None:
        """Return the wait that follows failure number ``count``; None if there is none."""
        if count < self.free:
            return None
        return timedelta(seconds=min(self.longest, self.first << min(count, self.most) - self.free))


@dataclass(frozen=True, slots=True)
class FailureCount:
    """What is stored of one key: how many failures count, when the last was, and until when no attempt is allowed."""

    count: int
    counted_at: datetime
    blocked_until: datetime | None = None


def remaining_wait(failures: FailureCount | None, *, now: datetime) -> timedelta | None:
    """Return for how long no attempt is allowed; None if one is allowed now."""
    if failures is None or failures.blocked_until is None or failures.blocked_until <= now:
        return None
    return failures.blocked_until - now


def remaining_failures(rule: Backoff, failures: FailureCount | None, *, now: datetime) -> int:
    """Return how many failures still count."""
    if failures is None:
        return 0
    quiet = max(timedelta(0), now - (failures.blocked_until or failures.counted_at))
    return max(0, failures.count - quiet // timedelta(seconds=rule.forgiven_after))


def charge(rule: Backoff, failures: FailureCount | None, *, now: datetime) -> FailureCount | None:
    """Count one more failure before the attempt is made; None while no attempt is allowed.

    An attempt is charged first and refunded if it succeeds, so that concurrent attempts can't all pass.
    """
    if remaining_wait(failures, now=now) is not None:
        return None
    count = min(rule.most, remaining_failures(rule, failures, now=now) + 1)
    wait = rule.wait_after(count)
    return FailureCount(count, now, now + wait if wait else None)


def refund(rule: Backoff, failures: FailureCount, *, charged_at: datetime) -> FailureCount:
    """Take back the charge of an attempt that succeeded."""
    count = max(0, failures.count - 1)
    is_own_wait = failures.counted_at == charged_at
    blocked_until = None if count < rule.free or is_own_wait else failures.blocked_until
    return FailureCount(count, failures.counted_at, blocked_until)
