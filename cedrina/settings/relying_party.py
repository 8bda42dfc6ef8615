"""Defaults of the WebAuthn relying party (WebAuthn Level 3, 5.4.2), derived from PUBLIC_URL."""

import ipaddress
from urllib.parse import urlsplit


def default_id(public_url: str) -> str:
    """Return the relying party id: the host of the URL, `localhost` for a loopback address. IP addresses are no ids."""
    host = urlsplit(public_url).hostname or ""
    try:
        is_loopback = ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host
    return "localhost" if is_loopback else host


def default_origin(public_url: str) -> str:
    """Return the origin of the URL as a browser writes it, with the relying party id as its host."""
    parts = urlsplit(public_url)
    standard = {"http": 80, "https": 443}.get(parts.scheme)
    port = "" if parts.port in (None, standard) else f":{parts.port}"
    return f"{parts.scheme}://{default_id(public_url)}{port}"
