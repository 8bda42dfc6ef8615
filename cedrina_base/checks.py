"""Checks of ``settings.CEDRINA_BASE``, run by ``manage.py check``."""

from ipaddress import ip_network
from typing import Any

from django.core.checks import CheckMessage, Error, Tags, register

from cedrina_base import setting_checks
from cedrina_base.conf import base_settings


@register()
def check_settings(**_kwargs: Any) -> list[CheckMessage]:
    """Report unknown names and impossible values."""
    found = setting_checks.unknown_names(base_settings, check_id="cedrina_base.E001")
    rules = (
        (
            all(_is_network(text) for text in base_settings.OUTBOUND_ALLOWED_NETWORKS),
            "OUTBOUND_ALLOWED_NETWORKS must be networks such as 10.1.0.0/16, and none that IPv4 is translated into.",
            "E002",
        ),
        (
            base_settings.OUTBOUND_ALLOWED_PORTS
            and all(0 < port < 2**16 for port in base_settings.OUTBOUND_ALLOWED_PORTS),
            "OUTBOUND_ALLOWED_PORTS must be at least one port, from 1 to 65535.",
            "E003",
        ),
    )
    return found + [Error(message, id=f"cedrina_base.{number}") for is_right, message, number in rules if not is_right]


@register(Tags.security, deploy=True)
def check_deployment(**_kwargs: Any) -> list[CheckMessage]:
    """Report settings that work but are unsafe in production."""
    if not base_settings.OUTBOUND_PLAIN_HTTP:
        return []
    sentence = "CEDRINA_BASE['OUTBOUND_PLAIN_HTTP'] lets events be sent without encryption."
    return [Error(sentence, id="cedrina_base.E004")]


def _is_network(text: str) -> bool:
    import ssrfguard  # noqa: PLC0415 - it takes 30 ms, and few projects name networks

    try:
        # It refuses a network that IPv4 addresses are translated into, such as 64:ff9b::/96: that would allow all.
        ssrfguard.Policy(allowed_networks=(ip_network(text),))
    except ValueError:
        return False
    return True
