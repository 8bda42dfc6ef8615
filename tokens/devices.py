"""Name the device of a session for its user, and compare the clients of two requests."""

from functools import lru_cache
from hashlib import blake2b

from django.utils.translation import gettext

from security_events.masking import truncate_ip
from security_events.user_agents import program_of
from tokens.types import MAX_USER_AGENT_LENGTH

_DIGEST_BYTES = 8
_LONGEST_ADDRESS = 45  # characters, of an IPv6 address that contains an IPv4 one; others are not cached
# A version consists of these. It changes while the client stays the same.
_WITHOUT_VERSIONS = str.maketrans("", "", "0123456789._")


def device_name(user_agent: str, *, is_admin: bool = False) -> str:
    """Return for example ``Firefox on Ubuntu``, or an empty string if the user agent is unknown.

    Clients choose their user agent, so this proves nothing. ``is_admin`` adds that the session is one of the admin's
    pages, which is certain.
    """
    program = program_of(user_agent)
    device = program.browser or program.system
    if program.browser and program.system:
        device = gettext("%(browser)s on %(system)s") % {"browser": program.browser, "system": program.system}
    if not is_admin:
        return device
    return gettext("%(device)s (admin)") % {"device": device} if device else gettext("Admin")


def kind_digest(user_agent: str) -> bytes:
    """Return a digest of 8 bytes of the user agent without digits, dots and underscores.

    So a browser's next version is the same kind of client. This takes about a microsecond; parsing takes far longer.
    """
    return _digest(user_agent[:MAX_USER_AGENT_LENGTH].translate(_WITHOUT_VERSIONS))


def network_digest(address: str | None) -> bytes:
    """Return a digest of 8 bytes of an address's network: its /24, or its /48 for IPv6."""
    is_short = address is None or len(address) <= _LONGEST_ADDRESS
    return (_network_digest if is_short else _network_digest.__wrapped__)(address)


@lru_cache(maxsize=1024)
def _network_digest(address: str | None) -> bytes:
    try:
        network = truncate_ip(address) if address else ""
    except ValueError:  # the peer of a Unix socket has a path, not an address
        network = ""
    return _digest(network)


def _digest(text: str) -> bytes:
    return blake2b(text.encode(errors="replace"), digest_size=_DIGEST_BYTES).digest()
