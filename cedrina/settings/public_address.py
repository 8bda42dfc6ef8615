"""The address that people on a development machine open: `localhost`, not the IP address that the server listens on.

Browsers accept no IP address as the relying party of passkeys (WebAuthn Level 3, 5.4.2), and one name for one server
keeps cookies and origins together.
"""

import ipaddress

LOCALHOST = "localhost"
LOOPBACK_HOSTS = ("localhost", "127.0.0.1", "[::1]")


def public_host(host: str) -> str:
    """Return the host for a URL to a server that listens on ``host``: `localhost` for loopback and all addresses."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    if address.is_loopback or address.is_unspecified:
        return LOCALHOST
    return f"[{host}]" if address.version == 6 else host


def default_public_url(host: str, port: int | str) -> str:
    """Return the PUBLIC_URL of a development machine."""
    return f"http://{public_host(host)}:{port}"


def default_allowed_hosts(host: str, public_url_host: str | None) -> list[str]:
    """Return the hosts of a development machine: loopback, HOST and the host of PUBLIC_URL."""
    further = [name for name in (public_host(host), public_url_host) if name and name not in LOOPBACK_HOSTS]
    return [*LOOPBACK_HOSTS, *dict.fromkeys(further)]
