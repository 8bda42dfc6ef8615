"""The limits as one would explain them on paper: fractions, nothing packed. The stores are held to this."""

from fractions import Fraction
from math import ceil, floor

from ratelimiting.types import Algorithm, Mode

MICROSECONDS = 1_000_000


class Bucket:
    def __init__(self, quota):
        self.window = round(quota.window * MICROSECONDS)
        self.burst = self.most = quota.burst or quota.limit
        self.rate = Fraction(quota.limit, self.window)
        self.missing, self.at = Fraction(0), None

    def move_to(self, now):
        if self.at is None or self.at - now > self.window:
            return Fraction(0), now
        return max(Fraction(0), self.missing - max(0, now - self.at) * self.rate), max(now, self.at)

    def wait(self, now, cost):
        missing, at = self.move_to(now)
        return max(0, at - now + ceil((missing + cost - self.burst) / self.rate)) if missing + cost > self.burst else 0

    def charge(self, now, cost):
        self.missing, self.at = self.move_to(now)
        self.missing += cost

    def left(self, now):
        missing, at = self.move_to(now)
        return floor(self.burst - missing), at - now + ceil(missing / self.rate) if missing else 0


class Window:
    """Both kinds of windows; a fixed one is a sliding one whose past weighs nothing."""

    def __init__(self, quota):
        self.window, self.limit = round(quota.window * MICROSECONDS), quota.limit
        self.most = quota.limit
        self.slides = quota.algorithm is Algorithm.SLIDING_WINDOW
        self.counts, self.newest = {}, None

    def place(self, now):
        """Return the number of the window that counts now, None being for a clock that is another one."""
        number = now // self.window
        if self.newest is None or self.newest - number > 1:
            return number, True
        return max(number, self.newest), False

    def used(self, now):
        number, is_new = self.place(now)
        if is_new:
            return Fraction(0)
        elapsed = Fraction(max(0, now - number * self.window), self.window)
        return self.counts.get(number, 0) + self.slides * self.counts.get(number - 1, 0) * (1 - elapsed)

    def wait(self, now, cost):
        if self.used(now) + cost <= self.limit:
            return 0
        number, _ = self.place(now)
        current, before = self.counts.get(number, 0), self.counts.get(number - 1, 0)
        if not self.slides:
            return (number + 1) * self.window - now
        if cost > self.limit:
            return (number + 2) * self.window - now
        if current + cost <= self.limit:
            share = 1 - Fraction(self.limit - cost - current, before)
            return ceil(number * self.window + share * self.window) - now
        share = 1 - Fraction(self.limit - cost, current)
        return ceil((number + 1) * self.window + share * self.window) - now

    def charge(self, now, cost):
        self.newest, is_new = self.place(now)
        if is_new:
            self.counts = {}
        self.counts[self.newest] = self.counts.get(self.newest, 0) + cost

    def left(self, now):
        number, is_new = self.place(now)
        current = 0 if is_new else self.counts.get(number, 0)
        before = self.counts.get(number - 1, 0) if self.slides and not is_new else 0
        windows = (2 if self.slides else 1) if current else 1 if before else 0
        return max(0, floor(self.limit - self.used(now))), (number + windows) * self.window - now if windows else 0


class PlainLimits:
    """Every level of a request, asked first and charged together."""

    def __init__(self):
        self.counters = {}

    def decide(self, levels, now, *, is_charged=True):
        counters = [self.counter(level) for level in levels]
        # What can never pass is told to come back as if it were the least cost that can't.
        pairs = zip(counters, levels, strict=True)
        waits = [counter.wait(now, min(level.cost, counter.most + 1)) for counter, level in pairs]
        passes = all(wait == 0 for wait, level in zip(waits, levels, strict=True) if level.mode is Mode.ENFORCE)
        answers = []
        for counter, level, wait in zip(counters, levels, waits, strict=True):
            if is_charged and passes and wait == 0 and level.cost:
                counter.charge(now, level.cost)
            remaining, reset = counter.left(now)
            answers.append((wait == 0, remaining, reset, wait))
        return answers

    def counter(self, level):
        if level.key not in self.counters:
            bucket = level.quota.algorithm is Algorithm.TOKEN_BUCKET
            self.counters[level.key] = (Bucket if bucket else Window)(level.quota)
        return self.counters[level.key]
