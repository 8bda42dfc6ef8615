"""Who is calling: the first address, seen from us, that does not belong to a trusted proxy.

The one resolver for limits, events, the admin, allauth and sockets. The answer also says what was odd about the
headers, so that whoever plays with them, and an operator who forgot a proxy, is noticed.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Any

from ratelimiting.addresses import is_public, is_within, network_of, normalise
from ratelimiting.conf import ProxyHeader, rate_limiting_settings

# More hops than any real chain; a longer one is somebody's padding.
LONGEST_CHAIN = 32
# Longer headers are read but not remembered: they would let strangers fill the memory.
LONGEST_REMEMBERED = 256
# One element of a Forwarded list, in which a quoted string may hold commas (RFC 7239, 4).
_ELEMENT = re.compile(r'(?:[^",]|"(?:[^"\\]|\\.)*")+')
_PAIR = re.compile(r'([^=;"\s]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^;"\s]*))')


class Finding(StrEnum):
    """What is odd about the forwarding headers of a request."""

    UNTRUSTED_PEER = "untrusted_peer"
    CONTRADICTION = "contradiction"
    MALFORMED = "malformed"
    PRIVATE = "private"
    TOO_LONG = "too_long"


@dataclass(frozen=True, slots=True)
class Caller:
    """Whose request it is, ``network`` being what limits count by, and what was odd about the way there."""

    address: str | None
    network: str
    findings: tuple[Finding, ...] = ()


def resolve(headers: Mapping[str, str], peer: str | None) -> Caller:
    """Return who is calling; the address is None when not even the peer's can be told.

    ``headers`` needs ``get("forwarded")`` and ``get("x-forwarded-for")``. Without a trusted proxy they are ignored:
    anybody can write them. ``TRUSTED_PROXY_HEADER`` says which of them our proxies write, and only that one counts; set
    to both, where both are there and disagree, one of them was not written by a proxy of ours, and the peer's own
    address counts. An element that is no address ends the walk at the proxy that vouched for it.
    """
    return _caller(peer or "", headers.get("x-forwarded-for"), headers.get("forwarded"))


def client_ip(headers: Mapping[str, str], peer: str | None) -> str | None:
    """Return the caller's address alone."""
    return resolve(headers, peer).address


def caller_of_environ(environ: Mapping[str, Any]) -> Caller:
    """Return who is calling, told from a WSGI environ."""
    return _caller(environ.get("REMOTE_ADDR") or "", environ.get("HTTP_X_FORWARDED_FOR"), environ.get("HTTP_FORWARDED"))


def client_ip_of_environ(environ: Mapping[str, Any]) -> str | None:
    """Return the caller's address alone, told from a WSGI environ."""
    return caller_of_environ(environ).address


def is_trusted_peer(peer: str | None) -> bool:
    """Whether the address at the other end of the connection is one of TRUSTED_PROXIES."""
    trusted = rate_limiting_settings.TRUSTED_PROXIES
    address = normalise(peer) if trusted and peer else None
    return address is not None and is_within(address, trusted)


def caller_of_scope(scope: Mapping[str, Any]) -> Caller:
    """Return who is calling, told from an ASGI scope: that of a socket, which no WSGI environ is made of."""
    client = scope.get("client")
    return _caller(client[0] if client else "", _joined(scope, b"x-forwarded-for"), _joined(scope, b"forwarded"))


def _joined(scope: Mapping[str, Any], wanted: bytes) -> str | None:
    """Join what came in several lines, as the WSGI servers do (RFC 9110, 5.3)."""
    values = [value.decode("latin-1") for name, value in scope["headers"] if name.lower() == wanted]
    return ",".join(values) if values else None


def _caller(peer: str, x_forwarded_for: str | None, forwarded: str | None) -> Caller:
    if len(peer) + len(x_forwarded_for or "") + len(forwarded or "") > LONGEST_REMEMBERED:
        resolver = _resolved.__wrapped__
    else:
        resolver = _resolved
    trusted = rate_limiting_settings.TRUSTED_PROXIES
    which = rate_limiting_settings.TRUSTED_PROXY_HEADER if trusted else None
    return resolver(peer, x_forwarded_for, forwarded, trusted, which)


@lru_cache(maxsize=4096)
def _resolved(
    peer: str, x_forwarded_for: str | None, forwarded: str | None, trusted: tuple[str, ...], which: ProxyHeader | None
) -> Caller:
    address = normalise(peer)
    is_forwarded = x_forwarded_for is not None or forwarded is not None
    if which is None or address is None or not is_within(address, trusted):
        return Caller(address, network_of(address), (Finding.UNTRUSTED_PEER,) if is_forwarded else ())
    findings: set[Finding] = set()
    # Both are walked, even where one alone counts: that they disagree is worth knowing.
    ends = {
        name: _walk(chain, address, trusted, findings if which in (name, "both") else set())
        for name, chain in (
            ("x-forwarded-for", _x_forwarded_for(x_forwarded_for)),
            ("forwarded", _forwarded(forwarded)),
        )
        if chain
    }
    if len(set(ends.values())) > 1:
        findings.add(Finding.CONTRADICTION)
    if which != "both":
        address = ends.get(which, address)
    elif len(set(ends.values())) == 1:
        address = next(iter(ends.values()))
    return Caller(address, network_of(address), tuple(sorted(findings)))


def _walk(chain: list[str], peer: str, trusted: tuple[str, ...], findings: set[Finding]) -> str:
    """Go from the right to the first address that is not ours to trust, and note what is odd on the way and beyond."""
    if len(chain) > LONGEST_CHAIN:
        findings.add(Finding.TOO_LONG)
    spelt = [normalise(text) for text in reversed(chain[-LONGEST_CHAIN:])]
    findings.update(_oddities(spelt, trusted))
    reached = peer
    for address in spelt:
        if address is None:
            break
        reached = address
        if not is_within(address, trusted):
            break
    return reached


def _oddities(chain: Iterable[str | None], trusted: tuple[str, ...]) -> Iterable[Finding]:
    for address in chain:
        if address is None:
            yield Finding.MALFORMED
        elif not is_within(address, trusted) and not is_public(address):
            yield Finding.PRIVATE


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
