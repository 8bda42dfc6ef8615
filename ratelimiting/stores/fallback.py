"""The shared store while it answers; this process's own store while it does not."""

import logging
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence

from ratelimiting.signals import store_failed, store_recovered
from ratelimiting.stores.circuit_breaker import CircuitBreaker
from ratelimiting.stores.memory import MemoryStore, process_clock
from ratelimiting.stores.protocol import Store, StoreUnavailable
from ratelimiting.types import Level, LevelResult, LimitDecision, Mode, OnStoreFailure

logger = logging.getLogger(__name__)


class RecentResults:
    """The shared store's last answer for each of the most recently used keys, and when it came."""

    def __init__(self, *, most_keys: int) -> None:
        self._most_keys = most_keys
        self._newer: dict[str, tuple[int, LevelResult]] = {}
        self._older: dict[str, tuple[int, LevelResult]] = {}

    def add(self, decision: LimitDecision) -> None:
        """Remember the answers of a decision."""
        now = process_clock()
        newer = self._newer
        for result in decision.results:
            newer[result.level.key] = (now, result)
        if len(newer) > self._most_keys:
            self._older, self._newer = newer, {}

    def pop(self, key: str) -> tuple[int, LevelResult] | None:
        """Return the last answer for a key and its time, and forget both."""
        older = self._older.pop(key, None)
        return self._newer.pop(key, None) or older


class FallbackStore:
    """Never raises StoreUnavailable from ``decide`` or ``peek``: the local store decides within the same request.

    The local store starts from the shared store's last answers, so that a failure gives a fresh quota to no key that
    this process has seen lately. Each level's ``on_store_failure`` says what happens: this process counts the same
    quota, the request passes, or it is refused.
    """

    def __init__(self, shared: Store, local: MemoryStore, breaker: CircuitBreaker, *, most_keys: int = 25_000) -> None:
        self._shared = shared
        self._local = local
        self._breaker = breaker
        self._recent = RecentResults(most_keys=most_keys)
        self._takeover = threading.Lock()

    @property
    def is_alone(self) -> bool:
        """Whether this process counts alone, because the shared store fails."""
        return self._breaker.is_open

    def decide(self, levels: Sequence[Level]) -> LimitDecision:
        """Decide about a request, and charge it if it is allowed."""
        decision = self._call_shared(self._shared.decide, levels)
        if decision is None:
            return self._decide_locally(levels, is_charged=True)
        self._recent.add(decision)
        return decision

    def peek(self, levels: Sequence[Level]) -> LimitDecision:
        """Return what ``decide`` would, without charging anything."""
        return self._call_shared(self._shared.peek, levels) or self._decide_locally(levels, is_charged=False)

    def reset(self, keys: Iterable[str]) -> int:
        """Delete the counts of these keys, here and in the shared store.

        Raises: StoreUnavailable if the shared store did not answer.
        """
        keys = list(keys)
        for key in keys:
            self._recent.pop(key)
        local = self._local.reset(keys)
        return max(local, self._shared.reset(keys))

    def _call_shared(
        self, method: Callable[[Sequence[Level]], LimitDecision], levels: Sequence[Level]
    ) -> LimitDecision | None:
        if not self._breaker.allows_call():
            return None
        try:
            decision = method(levels)
        except StoreUnavailable as error:
            if self._breaker.record_failure():
                logger.warning("The shared store of the rate limits fails (%s): this process counts alone.", error)
                store_failed.send_robust(sender=FallbackStore, reason=str(error))
            return None
        except BaseException:
            self._breaker.abandon_call()
            raise
        if self._breaker.record_success():
            logger.warning("The shared store of the rate limits answers again.")
            store_recovered.send_robust(sender=FallbackStore)
        return decision

    def _decide_locally(self, levels: Sequence[Level], *, is_charged: bool) -> LimitDecision:
        counted = [level for level in levels if level.on_store_failure is OnStoreFailure.LOCAL]
        # No thread may decide about a key while another one still copies the shared store's last answer for it.
        with self._takeover:
            for level in counted:
                if (recent := self._recent.pop(level.key)) is not None:
                    self._local.adopt(recent[1], decided_at=recent[0])
        is_denied = any(
            level.mode is Mode.ENFORCE and level.on_store_failure is OnStoreFailure.DENY for level in levels
        )
        decide = self._local.decide if is_charged and not is_denied else self._local.peek
        results = iter(decide(counted).results)
        return LimitDecision(tuple(self._result(level, results) for level in levels), is_local=True)

    def _result(self, level: Level, counted: Iterator[LevelResult]) -> LevelResult:
        if level.on_store_failure is OnStoreFailure.LOCAL:
            return next(counted)
        if level.on_store_failure is OnStoreFailure.ALLOW:
            return LevelResult(level, True, level.quota.burst or level.quota.limit, 0.0, 0.0)
        return LevelResult(level, False, 0, self._breaker.pause, self._breaker.pause)
