"""The shared store while it answers, this process' own when it does not."""

import logging
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime

from ratelimiting.signals import store_failed, store_recovered
from ratelimiting.stores.breaker import CircuitBreaker
from ratelimiting.stores.memory import MemoryStore, own_clock
from ratelimiting.stores.protocol import Store, StoreUnavailable
from ratelimiting.types import Decision, Level, Mode, OnStoreFailure, Verdict

logger = logging.getLogger(__name__)


class LastVerdicts:
    """What the shared store said last of each key, for the newest keys alone."""

    def __init__(self, *, most_keys: int) -> None:
        self._most_keys = most_keys
        self._newer: dict[str, tuple[int, Verdict]] = {}
        self._older: dict[str, tuple[int, Verdict]] = {}

    def note(self, decision: Decision) -> None:
        """Remember what a decision says of its keys."""
        now = own_clock()
        newer = self._newer
        for verdict in decision.verdicts:
            newer[verdict.level.key] = (now, verdict)
        if len(newer) > self._most_keys:
            self._older, self._newer = newer, {}

    def take(self, key: str) -> tuple[int, Verdict] | None:
        """Return what was said last of a key, and when, and forget it."""
        older = self._older.pop(key, None)
        return self._newer.pop(key, None) or older


class FallbackStore:
    """Never raises StoreUnavailable from ``decide`` or ``peek``: within the same request the local store takes over.

    It begins with what the shared one said last, so a failure gives nobody a fresh quota that this process could know
    of. What happens is each level's to choose: this process' own count of the same quota, to pass, or to be refused.
    """

    def __init__(self, shared: Store, local: MemoryStore, breaker: CircuitBreaker, *, most_keys: int = 25_000) -> None:
        self._shared = shared
        self._local = local
        self._breaker = breaker
        self._last = LastVerdicts(most_keys=most_keys)
        self._takeover = threading.Lock()

    def decide(self, levels: Sequence[Level], *, now: datetime | None = None) -> Decision:
        """Decide about a request and charge it if it passes."""
        decision = self._ask(self._shared.decide, levels, now=now)
        if decision is None:
            return self._alone(levels, now, is_charged=True)
        self._last.note(decision)
        return decision

    def peek(self, levels: Sequence[Level], *, now: datetime | None = None) -> Decision:
        """Say what ``decide`` would, and charge nothing."""
        return self._ask(self._shared.peek, levels, now=now) or self._alone(levels, now, is_charged=False)

    def reset(self, keys: Iterable[str]) -> int:
        """Forget what was counted under these keys, here and in the shared store.

        Raises: StoreUnavailable when the shared store could not be told.
        """
        keys = list(keys)
        for key in keys:
            self._last.take(key)
        own = self._local.reset(keys)
        return max(own, self._shared.reset(keys))

    def _ask(
        self, method: Callable[..., Decision], levels: Sequence[Level], *, now: datetime | None
    ) -> Decision | None:
        if not self._breaker.admits():
            return None
        try:
            decision = method(levels, now=now)
        except StoreUnavailable as error:
            if self._breaker.failed():
                logger.warning("The shared store of the rate limits fails (%s): this process counts alone.", error)
                store_failed.send_robust(sender=FallbackStore, reason=str(error))
            return None
        except BaseException:
            self._breaker.abandoned()
            raise
        if self._breaker.succeeded():
            logger.warning("The shared store of the rate limits answers again.")
            store_recovered.send_robust(sender=FallbackStore)
        return decision

    def _alone(self, levels: Sequence[Level], now: datetime | None, *, is_charged: bool) -> Decision:
        own = [level for level in levels if level.on_store_failure is OnStoreFailure.LOCAL]
        # Nobody decides about a key while another thread still takes over what is known of it.
        with self._takeover:
            for level in own:
                if (told := self._last.take(level.key)) is not None:
                    self._local.learn(told[1], told_at=told[0])
        is_denied = any(
            level.mode is Mode.ENFORCE and level.on_store_failure is OnStoreFailure.DENY for level in levels
        )
        count = self._local.decide if is_charged and not is_denied else self._local.peek
        counted = iter(count(own, now=now).verdicts)
        return Decision(tuple(self._verdict(level, counted) for level in levels), is_local=True)

    def _verdict(self, level: Level, counted: Iterator[Verdict]) -> Verdict:
        if level.on_store_failure is OnStoreFailure.LOCAL:
            return next(counted)
        if level.on_store_failure is OnStoreFailure.ALLOW:
            return Verdict(level, True, level.quota.burst or level.quota.limit, 0.0, 0.0)
        return Verdict(level, False, 0, self._breaker.pause, self._breaker.pause)
