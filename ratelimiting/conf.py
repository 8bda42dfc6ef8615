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
        """Networks of the proxies in front. Forwarding headers are used only if the request came from one of them."""
        return tuple(self._get("TRUSTED_PROXIES", ()))

    @property
    def TRUSTED_PROXY_HEADER(self) -> ProxyHeader:
        """The header that the proxies write, `x-forwarded-for` or `forwarded`; the other one is ignored.

        With `both`, those that are there must agree.
        """
        return self._get("TRUSTED_PROXY_HEADER", "x-forwarded-for")

    @property
    def REDIS_URL(self) -> str | None:
        """URL of the Redis in which all processes count together. None: each process counts alone."""
        return self._get("REDIS_URL", None)

    @property
    def STORE_PREFIX(self) -> str:
        """Prefix of every key in Redis. It contains a hash tag, so that a cluster keeps all keys in one slot."""
        return self._get("STORE_PREFIX", "{rl}:")

    @property
    def STORE_DEADLINE(self) -> float:
        """Seconds that a request waits for Redis at each step before this process decides alone."""
        return self._get("STORE_DEADLINE", 0.05)

    @property
    def STORE_FAILURES(self) -> int:
        """Failures in a row after which the circuit breaker stops calling Redis."""
        return self._get("STORE_FAILURES", 3)

    @property
    def STORE_PAUSE(self) -> float:
        """Seconds after which one request calls Redis again."""
        return self._get("STORE_PAUSE", 1.0)

    @property
    def LOCAL_STORE_KEYS(self) -> int:
        """Most keys that this process counts in its memory; beyond it, those that would expire first are dropped."""
        return self._get("LOCAL_STORE_KEYS", 100_000)

    @property
    def ENABLED(self) -> bool:
        """Whether anything is limited at all."""
        return self._get("ENABLED", True)

    @property
    def POLICIES(self) -> Sequence[Mapping[str, Any]]:
        """The project's policies, as mappings."""
        return self._get("POLICIES", ())

    @property
    def OVERRIDES(self) -> Sequence[Mapping[str, Any]]:
        """Changes to POLICIES by name, and further policies. Members that a change leaves out stay."""
        return self._get("OVERRIDES", ())

    @property
    def ROUTES(self) -> Sequence[str]:
        """Names of routes that ROOT_URLCONF does not have and policies may limit, as those of `request.urlconf`."""
        return tuple(self._get("ROUTES", ()))

    @property
    def TIERS(self) -> Sequence[str] | None:
        """The tiers that CALLER may return. A policy for any other one is refused; None allows any."""
        return self._get("TIERS", None)

    @property
    def CALLER(self) -> Callable[[Any], Any]:
        """Dotted path of a function ``(request)`` that returns a ``ratelimiting.types.Caller``: who makes a request."""
        return self._function("CALLER", "ratelimiting.callers.anonymous")

    @property
    def KEYS(self) -> Mapping[str, str | None]:
        """Named keys that a policy's scope may contain.

        Each has the dotted path of a function ``(request)`` that returns its value or None, or None if only services
        use it.
        """
        return self._get("KEYS", {})

    @property
    def REFUSAL(self) -> Callable[[Any, int], Any]:
        """Dotted path of a function ``(request, seconds to wait)`` that renders the answer 429."""
        return self._function("REFUSAL", "ratelimiting.api.refusals.problem")

    @property
    def MAY(self) -> Callable[[Any, str], bool]:
        """Dotted path of a function ``(user, action)``: who may read and change policies in the admin."""
        return self._function("MAY", "ratelimiting.callers.has_django_permission")

    @property
    def API_PERMISSIONS(self) -> Callable[[str], Sequence[Any]]:
        """Dotted path of a function ``(action)`` that returns permissions of Django REST framework.

        They are asked before the API reads (`rate_limits:read`) or changes (`rate_limits:change`) policies. As a rule
        they ask MAY. If there are none, the default ones of the framework are asked.
        """
        return self._function("API_PERMISSIONS", "ratelimiting.api.permissions.from_setting_may")

    @property
    def WATCH_SECONDS(self) -> float:
        """Seconds between two looks at the policies' version in each process; 0 for never."""
        return self._get("WATCH_SECONDS", 1.0)

    @property
    def SOCKETS_PER_ADDRESS(self) -> int:
        """Most WebSockets of one address in each process; of IPv6 a /64, and more of its /56 and /48."""
        return self._get("SOCKETS_PER_ADDRESS", 100)


def finder_of(dotted: str) -> Callable[[Any], str | None]:
    """Return the function with a dotted path in KEYS."""
    return imported(dotted)


rate_limiting_settings = RateLimitingSettings()
