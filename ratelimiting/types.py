"""Frozen values that cross layers. Those made for each request are tuples, which Python creates fastest."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

# The route of every request whose path matches no URL pattern.
UNMATCHED_ROUTE = ""
# The route of every WebSocket: handshakes are counted before their URL is resolved.
WEBSOCKET_ROUTE = "websocket"
# How much of these texts is kept of a refused request, until its refusal is reported.
LONGEST_USER_AGENT, LONGEST_METHOD = 512, 32


class Algorithm(StrEnum):
    """How a quota is counted."""

    TOKEN_BUCKET = "token_bucket"
    SLIDING_WINDOW = "sliding_window"
    FIXED_WINDOW = "fixed_window"


class Mode(StrEnum):
    """What a policy does: refuse requests, only count and report what it would refuse, or nothing."""

    ENFORCE = "enforce"
    SHADOW = "shadow"
    OFF = "off"


class OnStoreFailure(StrEnum):
    """What decides while the shared store is unavailable: this process's own count, or a fixed answer."""

    LOCAL = "local"
    ALLOW = "allow"
    DENY = "deny"


class Quota(NamedTuple):
    """``limit`` requests in ``window`` seconds; a token bucket refills at that rate and holds ``burst`` tokens.

    A tuple, because caches look quotas up by their value for each request: a dataclass is hashed by Python code.
    """

    algorithm: Algorithm
    limit: int
    window: float
    burst: int | None = None


class Level(NamedTuple):
    """One policy applied to one request: its quota, the key that it is counted under, and the request's cost."""

    policy: str
    quota: Quota
    key: str
    mode: Mode = Mode.ENFORCE
    cost: int = 1
    on_store_failure: OnStoreFailure = OnStoreFailure.LOCAL


class LevelResult(NamedTuple):
    """The answer of one level.

    ``reset_after``: seconds until the whole quota is available again. ``retry_after``: seconds until a request of the
    same cost is allowed; 0 if this one is.
    """

    level: Level
    is_allowed: bool
    remaining: int
    reset_after: float
    retry_after: float


class LimitDecision(NamedTuple):
    """The answers of all levels of a request. Either every level was charged or none.

    ``is_local``: this process decided alone, because the shared store was unavailable.
    """

    results: tuple[LevelResult, ...]
    is_local: bool = False

    @property
    def is_allowed(self) -> bool:
        """Whether every enforced level allows the request."""
        return all(result.is_allowed or result.level.mode is not Mode.ENFORCE for result in self.results)

    @property
    def tightest(self) -> LevelResult | None:
        """The enforced level with the longest wait; if none refuses, the one with the smallest share remaining."""
        enforced = [result for result in self.results if result.level.mode is Mode.ENFORCE]
        if not enforced:
            return None
        return min(enforced, key=lambda r: (-r.retry_after, r.remaining / max(1, r.level.quota.limit)))


class Caller(NamedTuple):
    """Who makes a request, as far as limits depend on it: a user's key and tier; ``None`` where unknown."""

    user: str | None = None
    tier: str | None = None


ANONYMOUS = Caller()


@dataclass(frozen=True, slots=True)
class Author:
    """Who changes a policy, as versions and security events name them."""

    id: str = ""
    name: str = ""


def _no_named_key(_name: str) -> str | None:
    return None


class RequestAttributes(NamedTuple):
    """What limits depend on: the name of the route (never the path), the method, the client's address and the caller.

    ``find_key`` returns the value of a named key, which may need the request's body; it is called only for policies
    that count by that key.
    """

    route: str = UNMATCHED_ROUTE
    method: str = "GET"
    address: str | None = None
    caller: Caller = ANONYMOUS
    find_key: Callable[[str], str | None] = _no_named_key
    user_agent: str = ""
    correlation_id: str = ""

    def without_request(self) -> RequestAttributes:
        """Return a copy that may outlive the request: without ``find_key``, which refers to it, texts cut."""
        return self._replace(
            find_key=_no_named_key,
            user_agent=self.user_agent[:LONGEST_USER_AGENT],
            method=self.method[:LONGEST_METHOD],
        )


class RequestDecision(NamedTuple):
    """The decision about an HTTP request, and the level that its response headers show."""

    limits: LimitDecision
    advertised: LevelResult | None = None

    @property
    def is_allowed(self) -> bool:
        """Whether the request may pass."""
        return self.limits.is_allowed

    @property
    def retry_after(self) -> float:
        """Seconds until all enforced levels allow the same request; 0 if they do now."""
        waits = [r.retry_after for r in self.limits.results if r.level.mode is Mode.ENFORCE and not r.is_allowed]
        return max(waits, default=0.0)


UNLIMITED = RequestDecision(LimitDecision(()))
