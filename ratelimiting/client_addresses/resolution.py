"""The client's address: the first one, from the right of the forwarding headers, that is not a trusted proxy's.

Limits, events, the admin, allauth and sockets all use this module. Its answer includes what is wrong with the headers,
so that manipulation, and a proxy that is missing from the settings, can be detected.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Any

from ratelimiting.client_addresses import forwarding_headers
from ratelimiting.client_addresses.networks import counted_network, is_public, is_within, normalise
from ratelimiting.conf import ProxyHeader, rate_limiting_settings

# Longer headers are parsed each time and not cached, so that clients can't fill the memory.
LONGEST_REMEMBERED = 256


class HeaderFinding(StrEnum):
    """What is wrong with the forwarding headers of a request."""

    UNTRUSTED_PEER = "untrusted_peer"
    CONTRADICTION = "contradiction"
    MALFORMED = "malformed"
    PRIVATE = "private"
    TOO_LONG = "too_long"


@dataclass(frozen=True, slots=True)
class ClientAddress:
    """The address of a client, the network that limits count it by, and what is wrong with its forwarding headers."""

    address: str | None
    network: str
    findings: tuple[HeaderFinding, ...] = ()


def resolve_client(headers: Mapping[str, str], peer: str | None) -> ClientAddress:
    """Return the client's address; None if not even the peer has one.

    ``headers`` needs ``get("forwarded")`` and ``get("x-forwarded-for")``. They are ignored unless the peer is a trusted
    proxy, because anybody can write them. Of the two only ``TRUSTED_PROXY_HEADER`` is parsed, and only its last 1 KiB.
    If that setting is ``both`` and the headers disagree, one of them was not written by a trusted proxy, and the peer's
    address is returned. An element that is no address ends the search at the proxy that wrote it.
    """
    return _resolve(peer or "", headers.get("x-forwarded-for"), headers.get("forwarded"))


def client_ip(headers: Mapping[str, str], peer: str | None) -> str | None:
    """Return only the client's address."""
    return resolve_client(headers, peer).address


def client_from_environ(environ: Mapping[str, Any]) -> ClientAddress:
    """Return the client of a WSGI request."""
    return _resolve(
        environ.get("REMOTE_ADDR") or "", environ.get("HTTP_X_FORWARDED_FOR"), environ.get("HTTP_FORWARDED")
    )


def client_ip_from_environ(environ: Mapping[str, Any]) -> str | None:
    """Return only the address of the client of a WSGI request."""
    return client_from_environ(environ).address


def is_trusted_peer(peer: str | None) -> bool:
    """Return whether the address at the other end of the connection is in TRUSTED_PROXIES."""
    trusted = rate_limiting_settings.TRUSTED_PROXIES
    address = normalise(peer) if trusted and peer else None
    return address is not None and is_within(address, trusted)


def client_from_scope(scope: Mapping[str, Any]) -> ClientAddress:
    """Return the client of an ASGI scope, such as a WebSocket's."""
    client = scope.get("client")
    return _resolve(client[0] if client else "", _joined(scope, b"x-forwarded-for"), _joined(scope, b"forwarded"))


def _joined(scope: Mapping[str, Any], wanted: bytes) -> str | None:
    """Join the values of a header that was sent several times, as WSGI servers do (RFC 9110, 5.3)."""
    values = [value.decode("latin-1") for name, value in scope["headers"] if name.lower() == wanted]
    return ",".join(values) if values else None


def _resolve(peer: str, x_forwarded_for: str | None, forwarded: str | None) -> ClientAddress:
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
            if other and not _contains(other, address):
                findings.add(HeaderFinding.CONTRADICTION)
    return ClientAddress(address, counted_network(address), tuple(sorted(findings)))


def _contains(header: str, address: str) -> bool:
    """Return whether the end of the other header contains an address. It is searched and not parsed."""
    return address in header[-forwarding_headers.LONGEST_HEADER :].lower()


def _walk(
    header: str,
    read: forwarding_headers.HeaderReader,
    peer: str,
    trusted: tuple[str, ...],
    findings: set[HeaderFinding],
) -> str:
    """Return the first untrusted address from the right; add what is wrong in the whole header to ``findings``."""
    chain, is_cut = forwarding_headers.addresses_from_right(header, read)
    if is_cut:
        findings.add(HeaderFinding.TOO_LONG)
    normalised = [normalise(text) for text in chain]
    findings.update(_problems(normalised, trusted))
    reached = peer
    for address in normalised:
        if address is None:
            break
        reached = address
        if not is_within(address, trusted):
            break
    return reached


def _problems(chain: Iterable[str | None], trusted: tuple[str, ...]) -> Iterable[HeaderFinding]:
    for address in chain:
        if address is None:
            yield HeaderFinding.MALFORMED
        elif not is_within(address, trusted) and not is_public(address):
            yield HeaderFinding.PRIVATE
