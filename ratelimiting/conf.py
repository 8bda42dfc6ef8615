"""Settings of this app, read from ``settings.RATELIMITING``."""

from typing import TypeVar, cast

from django.conf import settings

T = TypeVar("T")


class RateLimitingSettings:
    """``settings.RATELIMITING``, read on every access so that ``override_settings`` just works."""

    NAMES = (
        "TRUSTED_PROXIES",
        "REDIS_URL",
        "STORE_PREFIX",
        "STORE_DEADLINE",
        "STORE_FAILURES",
        "STORE_PAUSE",
        "LOCAL_STORE_KEYS",
    )

    def _get(self, name: str, default: T) -> T:
        return cast("T", getattr(settings, "RATELIMITING", {}).get(name, default))

    @property
    def TRUSTED_PROXIES(self) -> tuple[str, ...]:  # noqa: N802 - the setting's name
        """Networks of the proxies in front. Forwarding headers count only when one of them handed the request over."""
        return tuple(self._get("TRUSTED_PROXIES", ()))

    @property
    def REDIS_URL(self) -> str | None:  # noqa: N802 - the setting's name
        """Redis in which all processes count together. None: each counts alone."""
        return self._get("REDIS_URL", None)

    @property
    def STORE_PREFIX(self) -> str:  # noqa: N802 - the setting's name
        """What every key in Redis begins with. It holds a hash tag, so that a cluster keeps all keys in one slot."""
        return self._get("STORE_PREFIX", "{rl}:")

    @property
    def STORE_DEADLINE(self) -> float:  # noqa: N802 - the setting's name
        """Seconds that a request waits for Redis at each step before this process decides alone."""
        return self._get("STORE_DEADLINE", 0.05)

    @property
    def STORE_FAILURES(self) -> int:  # noqa: N802 - the setting's name
        """Failures in a row after which Redis is left alone for a while."""
        return self._get("STORE_FAILURES", 3)

    @property
    def STORE_PAUSE(self) -> float:  # noqa: N802 - the setting's name
        """Seconds for which Redis is left alone before one request tries it again."""
        return self._get("STORE_PAUSE", 1.0)

    @property
    def LOCAL_STORE_KEYS(self) -> int:  # noqa: N802 - the setting's name
        """Keys that this process counts at most by itself; beyond it, those that would expire soonest are forgotten."""
        return self._get("LOCAL_STORE_KEYS", 100_000)


rate_limiting_settings = RateLimitingSettings()
