"""Start-up checks."""

import ipaddress
import re
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register

from ratelimiting.conf import RateLimitingSettings, rate_limiting_settings

# What a cluster takes a key's slot from: the text between the first brace and the next closing one, if there is any.
HASH_TAG = re.compile(r"^[^{]*\{[^}]+\}")


@register()
def check_settings(**_kwargs: Any) -> list[CheckMessage]:
    """Refuse unknown names, networks that are none, and bounds that bound nothing."""
    problems: list[CheckMessage] = [
        Error(f"RATELIMITING has no setting {name!r}.", id="ratelimiting.E001")
        for name in getattr(settings, "RATELIMITING", {})
        if name not in RateLimitingSettings.NAMES
    ]
    for network in rate_limiting_settings.TRUSTED_PROXIES:
        try:
            ipaddress.ip_network(network, strict=False)
        except ValueError:
            problems.append(
                Error(f"RATELIMITING['TRUSTED_PROXIES']: {network!r} is no network.", id="ratelimiting.E002")
            )
    problems += [
        Error(f"RATELIMITING[{name!r}] has to be greater than 0.", id="ratelimiting.E003")
        for name in ("STORE_DEADLINE", "STORE_FAILURES", "STORE_PAUSE", "LOCAL_STORE_KEYS")
        if getattr(rate_limiting_settings, name) <= 0
    ]
    if not HASH_TAG.search(rate_limiting_settings.STORE_PREFIX):
        problems.append(
            Error("RATELIMITING['STORE_PREFIX'] needs a hash tag, such as '{rl}:'.", id="ratelimiting.E004")
        )
    return problems
