"""IP addresses: their canonical text, and the networks that limits count them by."""

from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

LONGEST_ADDRESS = 64
LONGEST_PORT = 5
# The prefixes that a device or home, a customer and a site are given (RFC 6177, 2; RIPE-690, 4.2).
IPV6_PREFIXES = (64, 56, 48)
IPV4_SURROUNDING_PREFIX = 24
IPV4_ENCLOSING_PREFIXES = (24, 16)


def normalise(text: str) -> str | None:
    """Return an address in canonical form: no port, brackets or zone, IPv4-mapped IPv6 as IPv4. None if it is none."""
    text = text.strip()
    return _normalised(text) if len(text) <= LONGEST_ADDRESS else None


@lru_cache(maxsize=4096)
def _normalised(text: str) -> str | None:
    address = _parse(text)
    return None if address is None else str(address)


@lru_cache(maxsize=4096)
def counted_network(address: str | None) -> str:
    """Return what limits count a normalised address by: an IPv4 address itself, an IPv6 address' /64.

    ``unknown`` if there is no address.
    """
    return counted_networks(address)[0]


@lru_cache(maxsize=4096)
def counted_networks(address: str | None) -> tuple[str, ...]:
    """Return all networks that a normalised address is counted by, narrowest first: of IPv6 its /64, /56 and /48.

    A customer with a /48 has 65,536 networks of /64. An IPv4 address is counted by itself alone. ``unknown`` if there
    is no address.
    """
    found = ip_address(address) if address else None
    if isinstance(found, IPv6Address):
        return tuple(str(ip_network((found, prefix), strict=False)) for prefix in IPV6_PREFIXES)
    return (str(found) if found else "unknown",)


@lru_cache(maxsize=4096)
def surrounding_network(address: str | None) -> str:
    """Return the network in which a device may get another address later: its /24, of IPv6 its /64."""
    found = ip_address(address) if address else None
    if isinstance(found, IPv4Address):
        return str(ip_network((found, IPV4_SURROUNDING_PREFIX), strict=False))
    return counted_network(address)


@lru_cache(maxsize=4096)
def enclosing_networks(address: str | None) -> tuple[str, ...]:
    """Return the networks that a normalised address belongs to, narrowest first; ``unknown`` if there is no address.

    Of IPv4 the address itself, its /24 and its /16; of IPv6 the same as ``counted_networks``. Limits don't count IPv4
    by /24 and /16, because unrelated people share them; a queue may.
    """
    networks = counted_networks(address)
    if not address or len(networks) > 1:
        return networks
    return (*networks, *(str(ip_network((networks[0], prefix), strict=False)) for prefix in IPV4_ENCLOSING_PREFIXES))


@lru_cache(maxsize=4096)
def is_public(address: str) -> bool:
    """Return whether a normalised address can belong to a client on the internet."""
    return ip_address(address).is_global or address.startswith(_DOCUMENTATION)


@lru_cache(maxsize=4096)
def is_within(address: str, networks: tuple[str, ...]) -> bool:
    """Return whether a normalised address belongs to one of the networks."""
    found = ip_address(address)
    return any(found.version == network.version and found in network for network in parse_networks(networks))


@lru_cache(maxsize=16)
def parse_networks(networks: tuple[str, ...]) -> tuple[Network, ...]:
    """Return networks as objects."""
    return tuple(ip_network(text, strict=False) for text in networks)


# Addresses for examples (RFC 5737, RFC 3849). Tests use them as public addresses.
_DOCUMENTATION = ("192.0.2.", "198.51.100.", "203.0.113.", "2001:db8:")


def _parse(text: str) -> Address | None:
    if text.startswith("["):
        text, bracket, port = text[1:].partition("]")
        if not bracket or (port and not (port[0] == ":" and _is_port(port[1:]))):
            return None
    elif text.count(":") == 1:
        host, _, port = text.partition(":")
        text = host if _is_port(port) else text
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def _is_port(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= LONGEST_PORT
