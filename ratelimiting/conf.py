"""Settings of this app, read from ``settings.RATELIMITING``."""

from typing import TypeVar, cast

from django.conf import settings

T = TypeVar("T")


class RateLimitingSettings:
    """``settings.RATELIMITING``, read on every access so that ``override_settings`` just works."""

    NAMES = ("TRUSTED_PROXIES",)

    def _get(self, name: str, default: T) -> T:
        return cast("T", getattr(settings, "RATELIMITING", {}).get(name, default))

    @property
    def TRUSTED_PROXIES(self) -> tuple[str, ...]:  # noqa: N802 - the setting's name
        """Networks of the proxies in front. Forwarding headers count only when one of them handed the request over."""
        return tuple(self._get("TRUSTED_PROXIES", ()))


rate_limiting_settings = RateLimitingSettings()
