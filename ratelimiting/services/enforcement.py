"""Decide about a request by all its levels, in the store that this process uses."""

import threading
from collections.abc import Iterable, Sequence
from typing import Any

from django.core.signals import setting_changed

from ratelimiting.conf import rate_limiting_settings
from ratelimiting.stores.circuit_breaker import CircuitBreaker
from ratelimiting.stores.fallback import FallbackStore
from ratelimiting.stores.memory import MemoryStore
from ratelimiting.stores.protocol import Store
from ratelimiting.types import Level, LimitDecision, Mode

_store: Store | None = None
_creation = threading.Lock()


def decide(levels: Sequence[Level]) -> LimitDecision:
    """Decide about a request by the store's clock. If it is allowed, all levels are charged; if not, none is.

    Levels whose mode is ``off`` are left out. A store that fails raises no error: each level's ``on_store_failure``
    decides then.
    """
    counted = _without_off(levels)
    return store().decide(counted) if counted else LimitDecision(())


def peek(levels: Sequence[Level]) -> LimitDecision:
    """Return what ``decide`` would, without charging anything."""
    counted = _without_off(levels)
    return store().peek(counted) if counted else LimitDecision(())


def reset(keys: Iterable[str]) -> int:
    """Delete the counts of these keys; return how many of them had one.

    What other processes counted alone, while Redis failed, is not deleted; it expires.

    Raises: ratelimiting.stores.protocol.StoreUnavailable if Redis did not answer.
    """
    return store().reset(keys)


def store() -> Store:
    """Return this process's store. It is created at the first call after the settings were read or changed."""
    global _store  # noqa: PLW0603 - connections and counts have to outlive a request
    if _store is None:
        with _creation:
            if _store is None:
                _store = _create()
    return _store


def forget_store() -> None:
    """Forget the store and, where it is this process's own, its counts. For tests."""
    global _store  # noqa: PLW0603 - as above
    _store = None


def _create() -> Store:
    local = MemoryStore(most_keys=rate_limiting_settings.LOCAL_STORE_KEYS)
    url = rate_limiting_settings.REDIS_URL
    if url is None:
        return local
    from ratelimiting.stores.redis import RedisStore  # noqa: PLC0415 - its client takes 5 MiB, wanted with Redis only

    shared = RedisStore(url, deadline=rate_limiting_settings.STORE_DEADLINE, prefix=rate_limiting_settings.STORE_PREFIX)
    breaker = CircuitBreaker(failures=rate_limiting_settings.STORE_FAILURES, pause=rate_limiting_settings.STORE_PAUSE)
    return FallbackStore(shared, local, breaker)


def _without_off(levels: Sequence[Level]) -> Sequence[Level]:
    off = Mode.OFF  # a local name: looking up a member of an enumeration in the loop would be slower
    for level in levels:
        if level.mode is off:
            return [each for each in levels if each.mode is not off]
    return levels


def _discard_store(*, setting: str, **_: Any) -> None:
    if setting == "RATELIMITING":
        forget_store()


setting_changed.connect(_discard_store, dispatch_uid="ratelimiting.enforcement")
