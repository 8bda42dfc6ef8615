"""Addresses of relays: VPNs, private relays and carriers of phones, whose place is not that of the person.

``SECURITY_EVENTS["RELAYS"]`` names them, by networks (``198.51.100.0/24``) and by the numbers of autonomous systems
(``AS64500``). The latter need a file of ``GEOIP_PATHS`` that knows providers.
"""

import ipaddress
from collections.abc import Sequence
from functools import lru_cache

from security_events.conf import security_event_settings

AS_PREFIX = "AS"
_LARGEST_AS = 2**32 - 1

_Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def is_relay(address: str, *, asn: int = 0) -> bool:
    """Return whether an address, announced by an autonomous system (0 if it is not known), is that of a relay."""
    configured = security_event_settings.RELAYS
    if not configured or not address:
        return False
    networks, systems = _parsed(tuple(configured))
    if asn in systems:
        return True
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    return any(parsed in network for network in networks)


def canonical(text: str) -> str:
    """Return a relay as the setting names it: a network, or the number of an autonomous system (RFC 6793).

    Raises: ValueError.
    """
    if text[:2].upper() == AS_PREFIX:
        number = text[2:]
        if not (number.isascii() and number.isdecimal() and 0 < int(number) <= _LARGEST_AS):
            raise ValueError(text)
        return f"{AS_PREFIX}{int(number)}"
    return str(ipaddress.ip_network(text))


@lru_cache(maxsize=4)
def _parsed(relays: Sequence[str]) -> tuple[tuple[_Network, ...], frozenset[int]]:
    names = [canonical(relay) for relay in relays]
    return (
        tuple(ipaddress.ip_network(name) for name in names if not name.startswith(AS_PREFIX)),
        frozenset(int(name[2:]) for name in names if name.startswith(AS_PREFIX)),
    )
