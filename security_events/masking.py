"""Take secrets and identifying detail out of values, by the name of a key and by the shape of a value."""

import ipaddress
import re
from collections.abc import Mapping
from typing import Any

REDACTED = "[redacted]"

# Compared without regard to case and separators, anywhere in the key.
_SECRET_KEYS = re.compile(
    r"passw|secret|token(?!_?(type|id|family|kind|s_))|authorization|cookie|api_?key|private_?key|credential|otp|"
    r"recovery_?code|mfa_?code|signature|session_?key|csrf",
    re.IGNORECASE,
)
# Keys under which a number is a count: no number is several secrets, though it may be one, such as a code.
_COUNTS = re.compile(
    r"(?:passwords|secrets|tokens|cookies|keys|credentials|otps|codes|signatures|counts?|left)$",
    re.IGNORECASE,
)
# Each shape is tried once for each run of characters, so that no text takes more than linear time.
_SECRET_SHAPES = re.compile(
    r"cd[a-z]_[A-Za-z0-9_-]{16,}"  # our own tokens
    # Anything in JWS or JWE compact form, whatever it is glued to.
    r"|(?<![A-Za-z0-9_-])(?=[A-Za-z0-9_-]*?eyJ[A-Za-z0-9_-]{5})[A-Za-z0-9_-]++\.[A-Za-z0-9_-]*(?:\.[A-Za-z0-9_-]*)*"
    r"|\$2[abxy]\$\d\d\$[./A-Za-z0-9]{20,}"  # password hashes
    r"|(?:bcrypt(?:_sha256)?|pbkdf2_sha\d+|scrypt|argon2[a-z]*)\$\S+"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)",
    re.DOTALL,
)
# Whatever stands behind "Bearer", and before the host of a URL. After the shapes above, so as not to cut one in two.
_SECRET_PLACES = re.compile(r"(?i:\bbearer)\s+[A-Za-z0-9._~+/-]+=*|(?<=://)[^/?#\s]+(?=@)")
_LOCAL = r"[^\s@\"'<>(),:;\[\]\\]"
_EMAIL = re.compile(rf"(?<!{_LOCAL})({_LOCAL}){_LOCAL}*+@({_LOCAL}+\.{_LOCAL}+)")
_KEPT = 2


def mask_email(address: str) -> str:
    """Keep an address's first character and its domain: ``a***@example.com``."""
    local, _, domain = address.rpartition("@")
    return f"{local[:1]}***@{domain}"


def mask_name(name: str) -> str:
    """Keep enough of a name to recognise one's own: a mail address as above, else the first two characters."""
    if not name:
        return ""
    return mask_email(name) if "@" in name else f"{name[:_KEPT]}***"


def mask_text(text: str) -> str:
    """Take secrets and mail addresses out of free text, by their shape."""
    if len(text) < 5:
        return text
    return _EMAIL.sub(r"\1***@\2", _SECRET_PLACES.sub(REDACTED, _SECRET_SHAPES.sub(REDACTED, text)))


def mask(value: Any) -> Any:
    """Mask a value of any JSON type, all the way down."""
    if isinstance(value, str):
        return mask_text(value)
    if isinstance(value, Mapping):
        return mask_mapping(value)
    if isinstance(value, (list, tuple, set, frozenset)):
        return [mask(item) for item in value]
    if isinstance(value, bytes):
        return REDACTED
    return value


def mask_mapping(mapping: Mapping[Any, Any]) -> dict[Any, Any]:
    """Mask a mapping: a telling key hides its value whole, any other value is masked by its shape.

    Under a telling key remain: what is not there, yes and no, and the count of several (``mailed_tokens``).
    """
    return {
        mask_text(key) if isinstance(key, str) else key: (
            REDACTED if is_secret_key(str(key)) and not _tells_no_secret(str(key), value) else mask(value)
        )
        for key, value in mapping.items()
    }


def _tells_no_secret(key: str, value: Any) -> bool:
    if value is None or value == "" or isinstance(value, bool):
        return True
    return isinstance(value, int) and _COUNTS.search(key) is not None


def is_secret_key(key: str) -> bool:
    """Whether a value under this name is to be hidden, whatever it looks like."""
    return _SECRET_KEYS.search(key.replace("-", "_")) is not None


def truncate_ip(address: str) -> str:
    """Keep the network only: /24 of an IPv4 address, /48 of an IPv6 address."""
    ip = ipaddress.ip_address(address)
    prefix = 24 if ip.version == 4 else 48
    return str(ipaddress.ip_network((ip, prefix), strict=False).network_address)
