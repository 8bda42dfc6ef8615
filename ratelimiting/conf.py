"""Settings of this app, read from ``settings.RATELIMITING``."""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, TypeVar, cast

from django.conf import settings
from django.utils.module_loading import import_string

T = TypeVar("T")

# ruff: noqa: N802 - properties carry the names of the settings


class RateLimitingSettings:
    """``settings.RATELIMITING``, read on every access so that ``override_settings`` just works."""

    NAMES = (
        "TRUSTED_PROXIES",
        "ENABLED",
        "POLICIES",
        "OVERRIDES",
        "CALLER",
        "KEYS",
        "REFUSAL",
        "MAY",
        "WATCH_SECONDS",
    )

    def _get(self, name: str, default: T) -> T:
        return cast("T", getattr(settings, "RATELIMITING", {}).get(name, default))

    @property
    def TRUSTED_PROXIES(self) -> tuple[str, ...]:
        """Networks of the proxies in front. Forwarding headers count only when one of them handed the request over."""
        return tuple(self._get("TRUSTED_PROXIES", ()))

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
        return _function(self._get("CALLER", "ratelimiting.callers.nobody"))

    @property
    def KEYS(self) -> Mapping[str, str | None]:
        """Named keys that a policy's scope may hold.

        Each with the dotted path of a function that finds it in a request, or None where only services give it.
        """
        return self._get("KEYS", {})

    @property
    def REFUSAL(self) -> Callable[[Any, int], Any]:
        """Dotted path of a function ``(request, seconds to wait)`` that renders the answer 429."""
        return _function(self._get("REFUSAL", "ratelimiting.api.refusals.problem"))

    @property
    def MAY(self) -> Callable[[Any, str], bool]:
        """Dotted path of a function ``(user, action)``: who may read and change policies in the admin."""
        return _function(self._get("MAY", "ratelimiting.callers.permitted"))

    @property
    def WATCH_SECONDS(self) -> float:
        """How often each process looks for changed policies, besides being told; 0 for never."""
        return self._get("WATCH_SECONDS", 1.0)


@lru_cache(maxsize=16)
def _function(dotted: str) -> Callable[..., Any]:
    return cast("Callable[..., Any]", import_string(dotted))


def finder_of(dotted: str) -> Callable[[Any], str | None]:
    """Return the function that finds a named key in a request."""
    return _function(dotted)


rate_limiting_settings = RateLimitingSettings()
