"""What security keys know this installation by, where the environment does not say it."""

import ipaddress
from urllib.parse import urlsplit


def default_id(public_url: str) -> str:
    """Return the host of an address. Keys are made for domains, never for addresses of machines."""
    host = urlsplit(public_url).hostname or ""
    try:
        is_loopback = ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host
    return "localhost" if is_loopback else host


def default_origin(public_url: str) -> str:
    """Return the origin of an address, as a browser writes it that knows the host by the name above."""
    parts = urlsplit(public_url)
    standard = {"http": 80, "https": 443}.get(parts.scheme)
    port = "" if parts.port in (None, standard) else f":{parts.port}"
    return f"{parts.scheme}://{default_id(public_url)}{port}"
