"""How often somebody may try to sign in at the admin."""

from typing import Any

import structlog
from django.core.cache.backends.locmem import LocMemCache
from django_ratelimit.core import is_ratelimited  # type: ignore[import-untyped]  # has no types

from accounts.conf import account_settings
from ratelimiting.addresses import network_of, normalise

GROUP = "accounts.admin_login"
FALLBACK_SECONDS = 60
FALLBACK_ATTEMPTS = 5

log = structlog.get_logger(__name__)
_fallback = LocMemCache("accounts.admin_login", {"timeout": FALLBACK_SECONDS})


def is_limited(request: Any) -> bool:
    """Count an attempt and say whether it is one too many for the client's address.

    When the cache is out of reach a count of this process takes over, a stricter one: never none.
    """
    try:
        refused = is_ratelimited(request, group=GROUP, key=client_network, rate=_rate, method=["POST"], increment=True)
    except Exception as error:  # noqa: BLE001 - each kind of cache has errors of its own, and none may open the door
        log.warning("admin_login_limit_fell_back", error=type(error).__name__)
        return _is_limited_here(client_network(GROUP, request))
    return bool(refused)


def client_network(_group: str, request: Any) -> str:
    """Return the client's address, of IPv6 the network, as the middleware has resolved it."""
    address = getattr(request, "client_ip", None) or normalise(request.META.get("REMOTE_ADDR") or "")
    return network_of(address)


def _rate(_group: str, _request: Any) -> str:
    return account_settings.ADMIN_LOGIN_RATE


def _is_limited_here(network: str) -> bool:
    _fallback.add(network, 0)
    try:
        return bool(_fallback.incr(network) > FALLBACK_ATTEMPTS)
    except ValueError:  # it expired in between
        return False
