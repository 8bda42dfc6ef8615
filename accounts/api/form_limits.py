"""Limit how often the forms outside of the API are sent, in addition to the rate limit policies of ``ratelimiting``."""

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
_fallback = LocMemCache("accounts.api.form_limits", {"timeout": FALLBACK_SECONDS})


class LimitedForm(StrEnum):
    """The limited forms. Each has a counter of its own."""

    ADMIN_LOGIN = "accounts.admin_login"
    MAILED_PAGE = "accounts.mailed_page"


def is_limited(request: Any, form: LimitedForm) -> bool:
    """Count a form and return whether the client's address has exceeded its limit.

    While the cache is unavailable, a counter of this process with a lower limit takes over.
    """
    try:
        refused = is_ratelimited(request, group=form, key=client_network, rate=_rate, method=["POST"], increment=True)
    except Exception as error:  # noqa: BLE001 - each cache has its own errors; none of them may disable the limit
        log.warning("page_limit_fell_back", form=form, error=type(error).__name__)
        return _is_limited_in_process(f"{form}:{client_network(form, request)}")
    return bool(refused)


def client_network(_group: str, request: Any) -> str:
    """Return the client's IPv4 address or IPv6 network, as the middleware has resolved it."""
    address = getattr(request, "client_ip", None) or normalise(request.META.get("REMOTE_ADDR") or "")
    return counted_network(address)


def _rate(group: str, _request: Any) -> str:
    is_login = group == LimitedForm.ADMIN_LOGIN
    return account_settings.ADMIN_LOGIN_RATE if is_login else account_settings.MAILED_PAGE_RATE


def _is_limited_in_process(key: str) -> bool:
    _fallback.add(key, 0)
    try:
        return bool(_fallback.incr(key) > FALLBACK_ATTEMPTS)
    except ValueError:  # the key expired between the two calls
        return False
