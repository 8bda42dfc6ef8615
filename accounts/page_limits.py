"""How often forms outside of the API may be sent: a fence of its own, beside the policies in front of everything."""

from enum import StrEnum
from typing import Any

import structlog
from django.core.cache.backends.locmem import LocMemCache
from django_ratelimit.core import is_ratelimited  # type: ignore[import-untyped]  # has no types

from accounts.conf import account_settings
from ratelimiting.client_addresses.networks import counted_network, normalise

RETRY_AFTER = 60
FALLBACK_SECONDS = 60
FALLBACK_ATTEMPTS = 5

log = structlog.get_logger(__name__)
_fallback = LocMemCache("accounts.page_limits", {"timeout": FALLBACK_SECONDS})


class Form(StrEnum):
    """What is sent; each is counted by itself."""

    ADMIN_LOGIN = "accounts.admin_login"
    MAILED_PAGE = "accounts.mailed_page"


def is_limited(request: Any, form: Form) -> bool:
    """Count a form and say whether it is one too many for the client's address.

    When the cache is out of reach a count of this process takes over, a stricter one: never none.
    """
    try:
        refused = is_ratelimited(request, group=form, key=client_network, rate=_rate, method=["POST"], increment=True)
    except Exception as error:  # noqa: BLE001 - each kind of cache has errors of its own, and none may open the door
        log.warning("page_limit_fell_back", form=form, error=type(error).__name__)
        return _is_limited_here(f"{form}:{client_network(form, request)}")
    return bool(refused)


def client_network(_group: str, request: Any) -> str:
    """Return the client's address, of IPv6 the network, as the middleware has resolved it."""
    address = getattr(request, "client_ip", None) or normalise(request.META.get("REMOTE_ADDR") or "")
    return counted_network(address)


def _rate(group: str, _request: Any) -> str:
    is_login = group == Form.ADMIN_LOGIN
    return account_settings.ADMIN_LOGIN_RATE if is_login else account_settings.MAILED_PAGE_RATE


def _is_limited_here(key: str) -> bool:
    _fallback.add(key, 0)
    try:
        return bool(_fallback.incr(key) > FALLBACK_ATTEMPTS)
    except ValueError:  # it expired in between
        return False
