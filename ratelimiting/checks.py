"""Start-up checks."""

import ipaddress
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register

from ratelimiting.conf import PROXY_HEADERS, RateLimitingSettings, rate_limiting_settings


@register()
def check_settings(**_kwargs: Any) -> list[CheckMessage]:
    """Refuse unknown names and networks that are none."""
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
    if rate_limiting_settings.TRUSTED_PROXY_HEADER not in PROXY_HEADERS:
        problems.append(
            Error(
                f"RATELIMITING['TRUSTED_PROXY_HEADER'] must be one of {', '.join(PROXY_HEADERS)}.",
                id="ratelimiting.E003",
            )
        )
    return problems
