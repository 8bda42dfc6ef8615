"""Counts in this process: the only store of a single-process server, and the fallback where Redis is shared."""

import heapq
import threading
import time
from collections.abc import Iterable, Sequence
from datetime import datetime

from ratelimiting.algorithms.evaluation import algorithm_for, evaluate
from ratelimiting.algorithms.exact_integers import MICROSECONDS
from ratelimiting.algorithms.protocol import State
from ratelimiting.stores.protocol import microseconds
from ratelimiting.types import Algorithm, Level, LevelResult, LimitDecision

# The offset from the monotonic clock to the epoch. The system's clock may be set back, the monotonic one never is.
_EPOCH_OFFSET = time.time_ns() // 1000 - time.monotonic_ns() // 1000
# Seconds that an entry lives longer than what it counts, as in Redis.
GRACE = 5.0
# How many entries one call examines to make room: enough to keep up, few enough that no request is delayed.
EVICTION_CHECKS = 8

_Entry = tuple[Algorithm, State | None, float]


def process_clock() -> int:
    """Return this process's time in microseconds since the epoch."""
    return _EPOCH_OFFSET + time.monotonic_ns() // 1000


class MemoryStore:
    """Counts a bounded number of keys; safe for threads.

    When a flood of keys fills it, those that would expire first are dropped, and their callers start with a fresh
    quota. Short windows are dropped first, so a flood of addresses doesn't drop what is counted for longer against an
    account.
    """

    def __init__(self, *, most_keys: int = 100_000) -> None:
        self._most_keys = most_keys
        self._entries: dict[str, _Entry] = {}
        # One item for each entry. Its expiry may be older than the entry's, never newer.
        self._queue: list[tuple[float, str]] = []
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._entries)

    def decide(self, levels: Sequence[Level]) -> LimitDecision:
        """Decide about a request by this process's clock, and charge it if it is allowed."""
        return self._decide(levels, process_clock())

    def decide_at(self, levels: Sequence[Level], *, now: datetime) -> LimitDecision:
        """Decide about a request of another time, and charge it if it is allowed."""
        return self._decide(levels, microseconds(now))

    def peek(self, levels: Sequence[Level]) -> LimitDecision:
        """Return what ``decide`` would, without charging anything."""
        return self._peek(levels, process_clock())

    def peek_at(self, levels: Sequence[Level], *, now: datetime) -> LimitDecision:
        """Return what ``decide_at`` would, without charging anything."""
        return self._peek(levels, microseconds(now))

    def reset(self, keys: Iterable[str]) -> int:
        """Delete the counts of these keys."""
        with self._lock:
            known = [key for key in keys if key in self._entries and self._entries[key][1] is not None]
            for key in known:
                algorithm, _, expiry = self._entries[key]
                self._entries[key] = (algorithm, None, expiry)
        return len(known)

    def adopt(self, result: LevelResult, *, decided_at: int) -> None:
        """Continue from another store's answer of that instant, unless this store has counted more for the key."""
        level = result.level
        algorithm = algorithm_for(level.quota)
        reset_after = round(result.reset_after * MICROSECONDS)
        state = algorithm.estimate_state(result.remaining, reset_after, decided_at)
        now = process_clock()
        with self._lock:
            own = algorithm.current_state(self._state(level), now)
            remaining, reset = algorithm.remaining(algorithm.current_state(state, now), now)
            if reset and remaining < algorithm.remaining(own, now)[0]:
                self._save(level, state, reset / MICROSECONDS)

    def _decide(self, levels: Sequence[Level], now: int) -> LimitDecision:
        with self._lock:
            results, charged = evaluate(levels, [self._state(level) for level in levels], now)
            for result, state in zip(results, charged, strict=True):
                if state is not None:
                    self._save(result.level, state, result.reset_after)
        return LimitDecision(results)

    def _peek(self, levels: Sequence[Level], now: int) -> LimitDecision:
        with self._lock:
            states = [self._state(level) for level in levels]
        return LimitDecision(evaluate(levels, states, now, is_charged=False)[0])

    def _state(self, level: Level) -> State | None:
        entry = self._entries.get(level.key)
        return None if entry is None or entry[0] is not level.quota.algorithm else entry[1]

    def _save(self, level: Level, state: State, reset_after: float) -> None:
        now = time.monotonic()
        expiry = now + reset_after + GRACE
        if level.key not in self._entries:
            heapq.heappush(self._queue, (expiry, level.key))
        self._entries[level.key] = (level.quota.algorithm, state, expiry)
        self._make_room(now)

    def _make_room(self, now: float) -> None:
        for _ in range(EVICTION_CHECKS):
            queued_expiry, key = self._queue[0]
            if queued_expiry > now and len(self._entries) <= self._most_keys:
                return
            expiry = self._entries[key][2]
            if expiry > queued_expiry:
                heapq.heapreplace(self._queue, (expiry, key))
            else:
                self._drop_first()
        if len(self._entries) > self._most_keys:
            self._drop_first()

    def _drop_first(self) -> None:
        _, key = heapq.heappop(self._queue)
        del self._entries[key]
