"""Mask secrets and personal data in values before they are stored or logged.

A value is masked whole if its key names a secret (``password``), otherwise where its text has the form of a secret (a
JWT, a password hash) or of an e-mail address.
"""

import ipaddress
import re
import socket
from collections.abc import Collection, Mapping
from contextlib import suppress
from functools import lru_cache
from typing import Any

REDACTED = "[redacted]"

# Matches anywhere in a key, in upper or lower case; "-" in keys counts as "_".
_SECRET_KEYS = re.compile(
    r"passw|secret|token(?!_?(type|id|family|kind|s_))|authorization|cookie|api_?key|private_?key|credential|otp|"
    r"recovery_?code|mfa_?code|signature|session_?key|csrf",
    re.IGNORECASE,
)
# Keys under which a number is a count of secrets, such as ``recovery_codes``. Under ``recovery_code`` a number may be
# the secret itself.
_COUNTS = re.compile(
    r"(?:passwords|secrets|tokens|cookies|keys|credentials|otps|codes|signatures|counts?|left)$",
    re.IGNORECASE,
)
# Each alternative is tried once per run of characters, so that matching takes linear time: no text can stall a process.
_SECRET_FORMS = re.compile(
    r"cd[a-z]_[A-Za-z0-9_-]{16,}"  # Cedrina's own tokens
    # JWS and JWE in compact form (RFC 7515, 7516), also directly after other characters.
    r"|(?<![A-Za-z0-9_-])(?=[A-Za-z0-9_-]*?eyJ[A-Za-z0-9_-]{5})[A-Za-z0-9_-]++\.[A-Za-z0-9_-]*(?:\.[A-Za-z0-9_-]*)*"
    r"|\$2[abxy]\$\d\d\$[./A-Za-z0-9]{20,}"  # password hashes
    r"|(?:bcrypt(?:_sha256)?|pbkdf2_sha\d+|scrypt|argon2[a-z]*)\$\S+"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)",
    re.DOTALL,
)
# A credential after "Bearer" (RFC 6750), and the user information of a URL (RFC 3986, 3.2.1). Applied after the pattern
# above, because it could match a part of a token and leave the rest.
_SECRET_POSITIONS = re.compile(r"(?i:\bbearer)\s+[A-Za-z0-9._~+/-]+=*|(?<=://)[^/?#\s]+(?=@)")
_LOCAL = r"[^\s@\"'<>(),:;\[\]\\]"
# A local part of one character is masked whole. One that is masked already stays as it is.
_EMAIL = re.compile(rf"(?<!{_LOCAL})(?!\*{{3}}@)(?:({_LOCAL}){_LOCAL}++|{_LOCAL})@({_LOCAL}+\.{_LOCAL}+)")
_KEPT = 2


def mask_email(address: str) -> str:
    """Keep the first character and the domain of an address: ``a***@example.com``; of ``a@example.com`` the domain."""
    local, _, domain = address.rpartition("@")
    return f"{local[: min(1, max(0, len(local) - 1))]}***@{domain}"


def mask_name(name: str) -> str:
    """Keep as much of a name as its owner needs to recognise it, or see ``mask_email``.

    That is the first two characters, but never all of them: of ``li`` the first, of ``x`` none.
    """
    if not name:
        return ""
    return mask_email(name) if "@" in name else f"{name[: min(_KEPT, len(name) - 1)]}***"


def mask_names(text: str, names: Collection[str]) -> str:
    """Mask names of people in a text that somebody wrote, in upper or lower case.

    Names of one character stay. No letter of ASCII may stand directly before or after a name: ``al`` is not masked in
    ``all``. Other scripts join names and endings without a space.
    """
    found = text.casefold()
    for name in names:
        # Looked for first: most texts contain no name, and to build a pattern takes far longer.
        if len(name) > 1 and name.casefold() in found:
            pattern = rf"(?<![A-Za-z0-9_]){re.escape(name)}(?![A-Za-z0-9_])"
            text = re.sub(pattern, lambda match: mask_name(match[0]), text, flags=re.IGNORECASE)
    return text


def mask_text(text: str) -> str:
    """Mask secrets and mail addresses in free text, by their form."""
    if len(text) < 5:
        return text
    return _EMAIL.sub(r"\1***@\2", _SECRET_POSITIONS.sub(REDACTED, _SECRET_FORMS.sub(REDACTED, text)))


def mask(value: Any) -> Any:
    """Mask a value of any JSON type, nested values included. Sets and tuples become lists, bytes are masked whole."""
    if isinstance(value, str):
        return mask_text(value)
    if isinstance(value, int | float) or value is None:  # to ask for a Mapping takes longer
        return value
    if isinstance(value, Mapping):
        return mask_mapping(value)
    if isinstance(value, (list, tuple, set, frozenset)):
        return [mask(item) for item in value]
    if isinstance(value, bytes):
        return REDACTED
    return value


def mask_mapping(mapping: Mapping[Any, Any]) -> dict[Any, Any]:
    """Mask a mapping: a value whose key names a secret is masked whole, any other value by its form.

    Not masked under such a key: ``None``, an empty string, a boolean and a count of secrets (``mailed_tokens``).
    """
    return {
        mask_text(key) if isinstance(key, str) else key: (
            REDACTED if is_secret_key(str(key)) and not _is_harmless(str(key), value) else mask(value)
        )
        for key, value in mapping.items()
    }


def _is_harmless(key: str, value: Any) -> bool:
    if value is None or value == "" or isinstance(value, bool):
        return True
    return isinstance(value, int) and _COUNTS.search(key) is not None


def is_secret_key(key: str) -> bool:
    """Say whether a key names a secret, so that its value is masked whole."""
    return (_is_secret_key if len(key) <= _MAX_CACHED_LENGTH else _is_secret_key.__wrapped__)(key)


# The keys of events are few. Longer ones come from clients, who could fill the memory with them.
_MAX_CACHED_LENGTH = 32


@lru_cache(maxsize=512)
def _is_secret_key(key: str) -> bool:
    return _SECRET_KEYS.search(key.replace("-", "_")) is not None


def truncate_ip(address: str) -> str:
    """Return the network of an address: /24 of an IPv4 address, /48 of an IPv6 address."""
    with suppress(OSError, ValueError):  # of IPv4 in a tenth of the time: a backtest does it a million times
        first, second, third, _fourth = socket.inet_pton(socket.AF_INET, address)
        return f"{first}.{second}.{third}.0"
    ip = ipaddress.ip_address(address)
    prefix = 24 if ip.version == 4 else 48
    return str(ipaddress.ip_network((ip, prefix), strict=False).network_address)
