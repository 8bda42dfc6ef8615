"""The names that a policy may use: named keys and tiers from the settings, routes from the URLconf.

A policy with a name that does not exist applies to nothing, so whoever misspells one removes a limit without noticing.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from django.conf import settings
from django.urls import ResolverMatch, URLResolver, get_resolver

from ratelimiting.conf import rate_limiting_settings
from ratelimiting.policy_schema import KnownNames
from ratelimiting.types import WEBSOCKET_ROUTE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from django.urls import URLPattern


def known_names() -> KnownNames:
    """Return all names that a policy may use. This imports the URLconf, with all its views."""
    return KnownNames(keys=tuple(rate_limiting_settings.KEYS), routes=routes(), tiers=rate_limiting_settings.TIERS)


def known_keys() -> KnownNames:
    """Return the named keys, with any route and any tier allowed: for policies that were validated when they were set.

    It needs no URLconf, so a process that serves no requests does not load one.
    """
    return KnownNames(keys=tuple(rate_limiting_settings.KEYS))


def routes() -> frozenset[str]:
    """Return the names of all routes, as ``ResolverMatch.view_name`` writes them, and those of ``ROUTES``."""
    return frozenset({*_routes_of(settings.ROOT_URLCONF), *rate_limiting_settings.ROUTES, WEBSOCKET_ROUTE})


@lru_cache(maxsize=8)
def _routes_of(urlconf: str) -> frozenset[str]:
    return frozenset(_names(get_resolver(urlconf).url_patterns, ()))


def _names(patterns: Iterable[URLPattern | URLResolver], namespaces: tuple[str, ...]) -> Iterator[str]:
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            yield from _names(pattern.url_patterns, (*namespaces, *([pattern.namespace] if pattern.namespace else ())))
        else:
            match = ResolverMatch(pattern.callback, (), {}, url_name=pattern.name, namespaces=list(namespaces))
            yield str(match.view_name)
