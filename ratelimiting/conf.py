"""Settings of this app, read from ``settings.RATELIMITING``."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

from cedrina_base.app_settings import AppSettings, imported

ProxyHeader = Literal["x-forwarded-for", "forwarded", "both"]
PROXY_HEADERS: tuple[ProxyHeader, ...] = ("x-forwarded-for", "forwarded", "both")


class RateLimitingSettings(AppSettings):
    """The dict ``settings.RATELIMITING``."""

    SETTING = "RATELIMITING"

    @property
    def TRUSTED_PROXIES(self) -> tuple[str, ...]:
        """Networks of the proxies in front. Forwarding headers count only when one of them handed the request over."""
        return tuple(self._get("TRUSTED_PROXIES", ()))

    @property
    def TRUSTED_PROXY_HEADER(self) -> ProxyHeader:
        """The header that the proxies write, `x-forwarded-for` or `forwarded`; the other one is ignored.

        With `both`, those that are there must agree.
        """
        return self._get("TRUSTED_PROXY_HEADER", "x-forwarded-for")

    @property
    def REDIS_URL(self) -> str | None:
        """Redis in which all processes count together. None: each counts alone."""
        return self._get("REDIS_URL", None)

    @property
    def STORE_PREFIX(self) -> str:
        """What every key in Redis begins with. It holds a hash tag, so that a cluster keeps all keys in one slot."""
        return self._get("STORE_PREFIX", "{rl}:")

    @property
    def STORE_DEADLINE(self) -> float:
        """Seconds that a request waits for Redis at each step before this process decides alone."""
        return self._get("STORE_DEADLINE", 0.05)

    @property
    def STORE_FAILURES(self) -> int:
        """Failures in a row after which Redis is left alone for a while."""
        return self._get("STORE_FAILURES", 3)

    @property
    def STORE_PAUSE(self) -> float:
        """Seconds for which Redis is left alone before one request tries it again."""
        return self._get("STORE_PAUSE", 1.0)

    @property
    def LOCAL_STORE_KEYS(self) -> int:
        """Keys that this process counts at most by itself; beyond it, those that would expire soonest are forgotten."""
        return self._get("LOCAL_STORE_KEYS", 100_000)

    @property
    def ENABLED(self) -> bool:
        """Whether anything is limited at all."""
        return self._get("ENABLED", True)

    @property
    def POLICIES(self) -> Sequence[Mapping[str, Any]]:
        """The project's policies, as mappings: what applies as long as nothing else is said."""
        return self._get("POLICIES", ())

    @property
    def OVERRIDES(self) -> Sequence[Mapping[str, Any]]:
        """Changes to POLICIES by name, and policies besides them; members that are left out stay as they are there."""
        return self._get("OVERRIDES", ())

    @property
    def CALLER(self) -> Callable[[Any], Any]:
        """Dotted path of a function that tells who makes a request: a ``ratelimiting.callers.Caller``."""
        return self._function("CALLER", "ratelimiting.callers.nobody")

    @property
    def KEYS(self) -> Mapping[str, str | None]:
        """Named keys that a policy's scope may hold.

        Each with the dotted path of a function that finds it in a request, or None where only services give it.
        """
        return self._get("KEYS", {})

    @property
    def REFUSAL(self) -> Callable[[Any, int], Any]:
        """Dotted path of a function ``(request, seconds to wait)`` that renders the answer 429."""
        return self._function("REFUSAL", "ratelimiting.api.refusals.problem")

    @property
    def MAY(self) -> Callable[[Any, str], bool]:
        """Dotted path of a function ``(user, action)``: who may read and change policies in the admin."""
        return self._function("MAY", "ratelimiting.callers.permitted")

    @property
    def WATCH_SECONDS(self) -> float:
        """How often each process looks for changed policies, besides being told; 0 for never."""
        return self._get("WATCH_SECONDS", 1.0)

    @property
    def SOCKETS_PER_ADDRESS(self) -> int:
        """WebSockets of one address that each process keeps open; of IPv6 a /64, and more of its /56 and /48."""
        return self._get("SOCKETS_PER_ADDRESS", 100)


def finder_of(dotted: str) -> Callable[[Any], str | None]:
    """Return the function that finds a named key in a request."""
    return imported(dotted)


rate_limiting_settings = RateLimitingSettings()
