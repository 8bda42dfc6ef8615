"""Doubling waits: some failures are free, each further one doubles the time in which nothing is tried.

Pure. Who counts in a database does the same in one statement; the tests hold the two together.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class Backoff:
    """The rule, in whole seconds.

    The failure with the number ``free`` is followed by the ``first`` wait, each one after it by twice the wait before,
    up to the ``longest``. One failure is forgiven for each ``forgiven_after`` that passes quietly, waits apart.
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
        """Up to which number failures are counted: counting on would only prolong forgiveness."""
        doublings = 0
        while self.first << doublings < self.longest:
            doublings += 1
        # One more than it takes, so that a failure taken back at the top doesn't shorten the next wait.
        return self.free + doublings + 1

    def wait_after(self, count: int) -> timedelta | None:
        """Return the wait that failure number ``count`` is followed by."""
        if count < self.free:
            return None
        return timedelta(seconds=min(self.longest, self.first << min(count, self.most) - self.free))


@dataclass(frozen=True, slots=True)
class Failures:
    """What is known of one key: how many failures count, when the last was, and until when nothing is tried."""

    count: int
    counted_at: datetime
    blocked_until: datetime | None = None


def remaining_wait(failures: Failures | None, *, now: datetime) -> timedelta | None:
    """Return how long nothing may be tried yet; None when something may."""
    if failures is None or failures.blocked_until is None or failures.blocked_until <= now:
        return None
    return failures.blocked_until - now


def standing(rule: Backoff, failures: Failures | None, *, now: datetime) -> int:
    """Return how many failures still count."""
    if failures is None:
        return 0
    quiet = max(timedelta(0), now - (failures.blocked_until or failures.counted_at))
    return max(0, failures.count - quiet // timedelta(seconds=rule.forgiven_after))


def charge(rule: Backoff, failures: Failures | None, *, now: datetime) -> Failures | None:
    """Count one more failure, before it is known to be one; None while nothing may be tried.

    Charged first and given back afterwards, attempts that run at the same time can't all slip through.
    """
    if remaining_wait(failures, now=now) is not None:
        return None
    count = min(rule.most, standing(rule, failures, now=now) + 1)
    wait = rule.wait_after(count)
    return Failures(count, now, now + wait if wait else None)


def give_back(rule: Backoff, failures: Failures, *, charged_at: datetime) -> Failures:
    """Take back what was charged at that moment, because it was no failure after all."""
    count = max(0, failures.count - 1)
    is_own_wait = failures.counted_at == charged_at
    return Failures(count, failures.counted_at, None if count < rule.free or is_own_wait else failures.blocked_until)
