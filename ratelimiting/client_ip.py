"""Who is calling: the first address, seen from us, that does not belong to a trusted proxy."""

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from ratelimiting.conf import rate_limiting_settings

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

# More hops than any real chain; a longer one is somebody's padding.
LONGEST_CHAIN = 32
LONGEST_ADDRESS = 64
# One element of a Forwarded list, in which a quoted string may hold commas (RFC 7239, 4).
_ELEMENT = re.compile(r'(?:[^",]|"(?:[^"\\]|\\.)*")+')
_PAIR = re.compile(r'([^=;"\s]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^;"\s]*))')
_PORT = re.compile(r":\d{1,5}$")


def client_ip(headers: Mapping[str, str], peer: str | None) -> str | None:
    """Return the caller's address, or None when not even the peer's can be told.

    ``headers`` needs ``get("forwarded")`` and ``get("x-forwarded-for")``. Without a trusted proxy they are ignored:
    anybody can write them. An element that is no address ends the walk at the proxy that vouched for it. Where both
    headers are there and disagree, one of them was not written by a proxy of ours, and the peer's own address counts.
    """
    address = normalise(peer or "")
    trusted = rate_limiting_settings.TRUSTED_PROXIES
    if not trusted or address is None:
        return address
    answers = {
        _walk([*chain[-LONGEST_CHAIN:], address], trusted)
        for chain in (_forwarded(headers.get("forwarded")), _x_forwarded_for(headers.get("x-forwarded-for")))
        if chain
    }
    return answers.pop() if len(answers) == 1 else address


def client_ip_of_environ(environ: Mapping[str, str]) -> str | None:
    """Do the same for a WSGI environ, whose header names are spelt differently."""
    peer = environ.get("REMOTE_ADDR")
    if not rate_limiting_settings.TRUSTED_PROXIES:
        return normalise(peer or "")
    names = {"forwarded": "HTTP_FORWARDED", "x-forwarded-for": "HTTP_X_FORWARDED_FOR"}
    return client_ip({name: environ[key] for name, key in names.items() if key in environ}, peer)


@lru_cache(maxsize=4096)
def normalise(text: str) -> str | None:
    """Spell one address as we store it: no port, brackets or zone, IPv4 in IPv6 folded. None if it is no address."""
    address = _parse(text)
    return None if address is None else str(address)


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


def _walk(chain: list[str], trusted: tuple[str, ...]) -> str:
    """Go from the right to the first address that is not ours to trust. The last element is known to be an address."""
    networks = _networks(trusted)
    reached = chain[-1]
    for text in reversed(chain):
        spelt = normalise(text)
        if spelt is None:
            break
        reached = spelt
        if not _is_trusted(spelt, networks):
            break
    return reached


def _is_trusted(text: str, networks: Iterable[Network]) -> bool:
    address = ip_address(text)
    return any(address.version == network.version and address in network for network in networks)


@lru_cache(maxsize=16)
def _networks(trusted: tuple[str, ...]) -> tuple[Network, ...]:
    return tuple(ip_network(text, strict=False) for text in trusted)


def _x_forwarded_for(header: str | None) -> list[str]:
    return header.split(",") if header else []


def _forwarded(header: str | None) -> list[str]:
    """Return the `for` of each element; an element without one is kept as junk, so that the walk ends there."""
    if not header:
        return []
    return [_address_in(element.group()) for element in _ELEMENT.finditer(header)]


def _address_in(element: str) -> str:
    for name, quoted, plain in _PAIR.findall(element):
        if name.lower() == "for":
            return str(quoted or plain)
    return ""
