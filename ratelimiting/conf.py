"""Settings of this app, read from ``settings.RATELIMITING``."""

from typing import Literal, TypeVar, cast

from django.conf import settings

T = TypeVar("T")

ProxyHeader = Literal["x-forwarded-for", "forwarded", "both"]
PROXY_HEADERS: tuple[ProxyHeader, ...] = ("x-forwarded-for", "forwarded", "both")


class RateLimitingSettings:
    """``settings.RATELIMITING``, read on every access so that ``override_settings`` just works."""

    NAMES = ("TRUSTED_PROXIES", "TRUSTED_PROXY_HEADER")

    def _get(self, name: str, default: T) -> T:
        return cast("T", getattr(settings, "RATELIMITING", {}).get(name, default))

    @property
    def TRUSTED_PROXIES(self) -> tuple[str, ...]:  # noqa: N802 - the setting's name
        """Networks of the proxies in front. Forwarding headers count only when one of them handed the request over."""
        return tuple(self._get("TRUSTED_PROXIES", ()))

    @property
    def TRUSTED_PROXY_HEADER(self) -> ProxyHeader:  # noqa: N802
        """The header that the proxies write, `x-forwarded-for` or `forwarded`; the other one is ignored.

        With `both`, those that are there must agree.
        """
        return self._get("TRUSTED_PROXY_HEADER", "x-forwarded-for")


rate_limiting_settings = RateLimitingSettings()
