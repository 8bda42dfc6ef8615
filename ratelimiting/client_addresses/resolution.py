"""Who is calling: the first address, seen from us, that does not belong to a trusted proxy.

The one resolver for limits, events, the admin, allauth and sockets. The answer also says what was odd about the
headers, so that whoever plays with them, and an operator who forgot a proxy, is noticed.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Any

from ratelimiting.client_addresses import forwarding_headers
from ratelimiting.client_addresses.networks import counted_network, is_public, is_within, normalise
from ratelimiting.conf import ProxyHeader, rate_limiting_settings

# Longer headers are read but not remembered: they would let strangers fill the memory.
LONGEST_REMEMBERED = 256


class HeaderFinding(StrEnum):
    """What is odd about the forwarding headers of a request."""

    UNTRUSTED_PEER = "untrusted_peer"
    CONTRADICTION = "contradiction"
    MALFORMED = "malformed"
    PRIVATE = "private"
    TOO_LONG = "too_long"


@dataclass(frozen=True, slots=True)
class ClientAddress:
    """Whose request it is, ``network`` being what limits count by, and what was odd about the way there."""

    address: str | None
    network: str
    findings: tuple[HeaderFinding, ...] = ()


def resolve_client(headers: Mapping[str, str], peer: str | None) -> ClientAddress:
    """Return who is calling; the address is None when not even the peer's can be told.

    ``headers`` needs ``get("forwarded")`` and ``get("x-forwarded-for")``. Without a trusted proxy they are ignored:
    anybody can write them. ``TRUSTED_PROXY_HEADER`` says which of them our proxies write, and only that one is parsed,
    1 KiB of it from its end. Set to both, where both are there and disagree, one of them was not written by a proxy of
    ours, and the peer's own address counts. An element that is no address ends the walk at the proxy that wrote it.
    """
    return _caller(peer or "", headers.get("x-forwarded-for"), headers.get("forwarded"))


def client_ip(headers: Mapping[str, str], peer: str | None) -> str | None:
    """Return the caller's address alone."""
    return resolve_client(headers, peer).address


def client_from_environ(environ: Mapping[str, Any]) -> ClientAddress:
    """Return who is calling, told from a WSGI environ."""
    return _caller(environ.get("REMOTE_ADDR") or "", environ.get("HTTP_X_FORWARDED_FOR"), environ.get("HTTP_FORWARDED"))


def client_ip_from_environ(environ: Mapping[str, Any]) -> str | None:
    """Return the caller's address alone, told from a WSGI environ."""
    return client_from_environ(environ).address


def is_trusted_peer(peer: str | None) -> bool:
    """Whether the address at the other end of the connection is one of TRUSTED_PROXIES."""
    trusted = rate_limiting_settings.TRUSTED_PROXIES
    address = normalise(peer) if trusted and peer else None
    return address is not None and is_within(address, trusted)


def client_from_scope(scope: Mapping[str, Any]) -> ClientAddress:
    """Return who is calling, told from an ASGI scope: that of a socket, which no WSGI environ is made of."""
    client = scope.get("client")
    return _caller(client[0] if client else "", _joined(scope, b"x-forwarded-for"), _joined(scope, b"forwarded"))


def _joined(scope: Mapping[str, Any], wanted: bytes) -> str | None:
    """Join what came in several lines, as the WSGI servers do (RFC 9110, 5.3)."""
    values = [value.decode("latin-1") for name, value in scope["headers"] if name.lower() == wanted]
    return ",".join(values) if values else None


def _caller(peer: str, x_forwarded_for: str | None, forwarded: str | None) -> ClientAddress:
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
) -> ClientAddress:
    address = normalise(peer)
    is_forwarded = x_forwarded_for is not None or forwarded is not None
    if which is None or address is None or not is_within(address, trusted):
        return ClientAddress(address, counted_network(address), (HeaderFinding.UNTRUSTED_PEER,) if is_forwarded else ())
    findings: set[HeaderFinding] = set()
    if which == "both":
        given = ((x_forwarded_for, forwarding_headers.x_forwarded_for), (forwarded, forwarding_headers.forwarded))
        ends = {_walk(text, read, address, trusted, findings) for text, read in given if text}
        if len(ends) > 1:
            findings.add(HeaderFinding.CONTRADICTION)
        elif ends:
            address = ends.pop()
    else:
        text, read, other = (
            (x_forwarded_for, forwarding_headers.x_forwarded_for, forwarded)
            if which == "x-forwarded-for"
            else (forwarded, forwarding_headers.forwarded, x_forwarded_for)
        )
        if text:
            address = _walk(text, read, address, trusted, findings)
            if other and not _names(other, address):
                findings.add(HeaderFinding.CONTRADICTION)
    return ClientAddress(address, counted_network(address), tuple(sorted(findings)))


def _names(header: str, address: str) -> bool:
    """Whether the end of a header that does not count holds an address. It is searched and not parsed."""
    return address in header[-forwarding_headers.LONGEST_HEADER :].lower()


def _walk(
    header: str,
    read: forwarding_headers.HeaderReader,
    peer: str,
    trusted: tuple[str, ...],
    findings: set[HeaderFinding],
) -> str:
    """Go from the right to the first address that is not ours to trust, and note what is odd on the way and beyond."""
    chain, is_cut = forwarding_headers.addresses_from_right(header, read)
    if is_cut:
        findings.add(HeaderFinding.TOO_LONG)
    spelt = [normalise(text) for text in chain]
    findings.update(_oddities(spelt, trusted))
    reached = peer
    for address in spelt:
        if address is None:
            break
        reached = address
        if not is_within(address, trusted):
            break
    return reached


def _oddities(chain: Iterable[str | None], trusted: tuple[str, ...]) -> Iterable[HeaderFinding]:
    for address in chain:
        if address is None:
            yield HeaderFinding.MALFORMED
        elif not is_within(address, trusted) and not is_public(address):
            yield HeaderFinding.PRIVATE
