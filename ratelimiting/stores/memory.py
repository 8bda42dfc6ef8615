"""Counts in this process: the only store of a server that has one process, the second one where Redis is shared."""

import heapq
import threading
import time
from collections.abc import Iterable, Sequence
from datetime import datetime

from ratelimiting.algorithms import deciding
from ratelimiting.algorithms.exactness import MICROSECONDS, State
from ratelimiting.stores.protocol import microseconds
from ratelimiting.types import Algorithm, Decision, Level, Verdict

# Both the moment and the clock's rate of our own: the machine's clock may be set, this one never goes back.
_START = time.time_ns() // 1000 - time.monotonic_ns() // 1000
# As in Redis: what is kept outlives what it counts by a moment.
GRACE = 5.0
# How many entries one call looks at to make room: enough to keep up, too few to be felt.
LOOKS = 8

_Entry = tuple[Algorithm, State | None, float]


def own_clock() -> int:
    """Return this process' own time in microseconds since the epoch."""
    return _START + time.monotonic_ns() // 1000


class MemoryStore:
    """A bounded number of keys, safe for threads.

    When a flood of keys fills it, those that would expire soonest make room: their callers begin with a fresh quota.
    Short windows go first, so a flood of addresses doesn't wash away what is counted for longer against an account.
    """

    def __init__(self, *, most_keys: int = 100_000) -> None:
        self._most_keys = most_keys
        self._entries: dict[str, _Entry] = {}
        # One item for each entry; its moment may be out of date, never too late.
        self._queue: list[tuple[float, str]] = []
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._entries)

    def decide(self, levels: Sequence[Level], *, now: datetime | None = None) -> Decision:
        """Decide about a request and charge it if it passes."""
        moment = own_clock() if now is None else microseconds(now)
        with self._lock:
            verdicts, charged = deciding.decide(levels, [self._state(level) for level in levels], moment)
            for verdict, state in zip(verdicts, charged, strict=True):
                if state is not None:
                    self._keep(verdict.level, state, verdict.reset_after)
        return Decision(verdicts)

    def peek(self, levels: Sequence[Level], *, now: datetime | None = None) -> Decision:
        """Say what ``decide`` would, and charge nothing."""
        moment = own_clock() if now is None else microseconds(now)
        with self._lock:
            states = [self._state(level) for level in levels]
        return Decision(deciding.decide(levels, states, moment, is_charged=False)[0])

    def reset(self, keys: Iterable[str]) -> int:
        """Forget what was counted under these keys."""
        with self._lock:
            known = [key for key in keys if key in self._entries and self._entries[key][1] is not None]
            for key in known:
                algorithm, _, expiry = self._entries[key]
                self._entries[key] = (algorithm, None, expiry)
        return len(known)

    def learn(self, verdict: Verdict, *, told_at: int) -> None:
        """Take over what another store said at that moment of its own clock, unless this one knows worse."""
        level = verdict.level
        algorithm, measure = deciding.measured(level.quota)
        state = algorithm.guessed(told_at, measure, verdict.remaining, round(verdict.reset_after * MICROSECONDS))
        now = own_clock()
        with self._lock:
            own = algorithm.seen(self._state(level), now, measure)
            remaining, reset = algorithm.left(algorithm.seen(state, now, measure), now, measure)
            if reset and remaining < algorithm.left(own, now, measure)[0]:
                self._keep(level, state, reset / MICROSECONDS)

    def _state(self, level: Level) -> State | None:
        entry = self._entries.get(level.key)
        return None if entry is None or entry[0] is not level.quota.algorithm else entry[1]

    def _keep(self, level: Level, state: State, reset_after: float) -> None:
        now = time.monotonic()
        expiry = now + reset_after + GRACE
        if level.key not in self._entries:
            heapq.heappush(self._queue, (expiry, level.key))
        self._entries[level.key] = (level.quota.algorithm, state, expiry)
        self._make_room(now)

    def _make_room(self, now: float) -> None:
        for _ in range(LOOKS):
            moment, key = self._queue[0]
            if moment > now and len(self._entries) <= self._most_keys:
                return
            expiry = self._entries[key][2]
            if expiry > moment:
                heapq.heapreplace(self._queue, (expiry, key))
            else:
                self._drop_first()
        if len(self._entries) > self._most_keys:
            self._drop_first()

    def _drop_first(self) -> None:
        _, key = heapq.heappop(self._queue)
        del self._entries[key]
