"""IP addresses: one spelling for each, and the network that stands for one customer."""

import re
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

LONGEST_ADDRESS = 64
IPV6_PREFIX = 64  # what one customer of a network usually has (RFC 6177)
IPV4_NEIGHBOURS = 24
IPV4_PREFIXES, IPV6_PREFIXES = (24, 16), (64, 56, 48)
_PORT = re.compile(r":\d{1,5}$")


@lru_cache(maxsize=4096)
def normalise(text: str) -> str | None:
    """Spell one address as we store it: no port, brackets or zone, IPv4 in IPv6 folded. None if it is no address."""
    address = _parse(text)
    return None if address is None else str(address)


@lru_cache(maxsize=4096)
def network_of(address: str | None) -> str:
    """Return what limits count an address by: itself, of IPv6 its /64; ``unknown`` where there is none."""
    found = ip_address(address) if address else None
    if isinstance(found, IPv6Address):
        return str(ip_network((found, IPV6_PREFIX), strict=False))
    return str(found) if found else "unknown"


@lru_cache(maxsize=4096)
def neighbourhood_of(address: str | None) -> str:
    """Return where a device may turn up again under another address: its /24, of IPv6 its /64."""
    found = ip_address(address) if address else None
    if isinstance(found, IPv4Address):
        return str(ip_network((found, IPV4_NEIGHBOURS), strict=False))
    return network_of(address)


@lru_cache(maxsize=4096)
def networks_of(address: str) -> tuple[str, ...]:
    """Return the networks that a normalised address belongs to, the smallest first; ``unknown`` where there is none.

    Of IPv4 the address itself, its /24 and its /16; of IPv6 its /64, /56 and /48, what customers are given (RFC 6177).
    """
    if not address:
        return ("unknown",)
    found = ip_address(address)
    prefixes = IPV6_PREFIXES if found.version == 6 else IPV4_PREFIXES  # noqa: PLR2004
    networks = tuple(str(ip_network((found, prefix), strict=False)) for prefix in prefixes)
    return networks if found.version == 6 else (str(found), *networks)  # noqa: PLR2004


@lru_cache(maxsize=4096)
def is_public(address: str) -> bool:
    """Whether a normalised address can be that of somebody on the internet."""
    return ip_address(address).is_global or address.startswith(_DOCUMENTATION)


@lru_cache(maxsize=4096)
def is_within(address: str, networks: tuple[str, ...]) -> bool:
    """Whether a normalised address belongs to one of the networks."""
    found = ip_address(address)
    return any(found.version == network.version and found in network for network in parsed(networks))


@lru_cache(maxsize=16)
def parsed(networks: tuple[str, ...]) -> tuple[Network, ...]:
    """Return networks as objects that can be asked."""
    return tuple(ip_network(text, strict=False) for text in networks)


# Addresses for examples (RFC 5737, RFC 3849): nobody's, and as good as public ones.
_DOCUMENTATION = ("192.0.2.", "198.51.100.", "203.0.113.", "2001:db8:")


def _parse(text: str) -> Address | None:
    text = text.strip()
    if len(text) > LONGEST_ADDRESS:
        return None
    if text.startswith("["):
        text, bracket, port = text[1:].partition("]")
        if not bracket or (port and not _PORT.fullmatch(port)):
            return None
    elif text.count(":") == 1:
        text = _PORT.sub("", text)
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address
