"""Name a device for the person it belongs to, and tell kinds of clients and networks apart."""

from functools import lru_cache
from hashlib import blake2b

import ua_parser
from django.utils.translation import gettext

from security_events.masking import truncate_ip

_DIGEST_BYTES = 8
# What is stored of a user agent; a thousand expressions go over it.
MAX_USER_AGENT_LENGTH = 512
# Versions are made of these. They change while the client stays the same.
_WITHOUT_VERSIONS = str.maketrans("", "", "0123456789._")


def device_name(user_agent: str, *, is_admin: bool = False) -> str:
    """Return for example ``Firefox on Ubuntu``, or an empty text when nothing can be told. A claim, not a proof.

    With ``is_admin`` it is said that the session belongs to the admin's pages, which is known for certain.
    """
    browser, system = _parsed(user_agent[:MAX_USER_AGENT_LENGTH])
    device = browser or system
    if browser and system:
        device = gettext("%(browser)s on %(system)s") % {"browser": browser, "system": system}
    if not is_admin:
        return device
    return gettext("%(device)s (admin)") % {"device": device} if device else gettext("Admin")


def kind_digest(user_agent: str) -> bytes:
    """Return 8 bytes that stand for the kind of client: those of its user agent without digits, dots and underscores.

    So the next version of a browser is the same kind. It costs about a microsecond, which a parser does not.
    """
    return _digest(user_agent[:MAX_USER_AGENT_LENGTH].translate(_WITHOUT_VERSIONS))


@lru_cache(maxsize=4096)
def network_digest(address: str | None) -> bytes:
    """Return 8 bytes that stand for the network of an address: its /24, of IPv6 its /48."""
    try:
        network = truncate_ip(address) if address else ""
    except ValueError:  # the peer of a local socket has a name, not an address
        network = ""
    return _digest(network)


def _digest(text: str) -> bytes:
    return blake2b(text.encode(errors="replace"), digest_size=_DIGEST_BYTES).digest()


@lru_cache(maxsize=1024)
def _parsed(user_agent: str) -> tuple[str, str]:
    browser, system = ua_parser.parse_user_agent(user_agent), ua_parser.parse_os(user_agent)
    return browser.family if browser else "", system.family if system else ""
