"""Decide about a request by all levels that apply to it, in whichever store there is."""

import threading
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from django.core.signals import setting_changed

from ratelimiting.conf import rate_limiting_settings
from ratelimiting.stores.breaker import CircuitBreaker
from ratelimiting.stores.fallback import FallbackStore
from ratelimiting.stores.memory import MemoryStore
from ratelimiting.stores.protocol import Store
from ratelimiting.stores.redis import RedisStore
from ratelimiting.types import Decision, Level, Mode

_store: Store | None = None
_making = threading.Lock()


def decide(levels: Sequence[Level], *, now: datetime | None = None) -> Decision:
    """Decide about a request, and charge all its levels if it passes, none if it doesn't.

    Levels that are off are left out. A store that fails makes no error: each level says what decides then.
    ``now`` replaces the store's clock.
    """
    counted = _counted(levels)
    return store().decide(counted, now=now) if counted else Decision(())


def peek(levels: Sequence[Level], *, now: datetime | None = None) -> Decision:
    """Say what ``decide`` would, and charge nothing."""
    counted = _counted(levels)
    return store().peek(counted, now=now) if counted else Decision(())


def reset(keys: Iterable[str]) -> int:
    """Forget what was counted under these keys, and say how many of them had been counted.

    Other processes forget what they counted alone, while Redis failed, only as it expires.

    Raises: ratelimiting.stores.protocol.StoreUnavailable when Redis could not be told.
    """
    return store().reset(keys)


def store() -> Store:
    """Return this process' store, made at the first call after the settings were read or changed."""
    global _store  # noqa: PLW0603 - connections and counts have to outlive a request
    if _store is None:
        with _making:
            if _store is None:
                _store = _made()
    return _store


def _made() -> Store:
    local = MemoryStore(most_keys=rate_limiting_settings.LOCAL_STORE_KEYS)
    url = rate_limiting_settings.REDIS_URL
    if url is None:
        return local
    shared = RedisStore(url, deadline=rate_limiting_settings.STORE_DEADLINE, prefix=rate_limiting_settings.STORE_PREFIX)
    breaker = CircuitBreaker(failures=rate_limiting_settings.STORE_FAILURES, pause=rate_limiting_settings.STORE_PAUSE)
    return FallbackStore(shared, local, breaker)


def _counted(levels: Sequence[Level]) -> Sequence[Level]:
    off = Mode.OFF  # an enumeration's member is found slowly
    for level in levels:
        if level.mode is off:
            return [each for each in levels if each.mode is not off]
    return levels


def _forget_store(*, setting: str, **_: Any) -> None:
    global _store  # noqa: PLW0603 - as above
    if setting == "RATELIMITING":
        _store = None


setting_changed.connect(_forget_store, dispatch_uid="ratelimiting.enforcement")
