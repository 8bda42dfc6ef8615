"""By what a device is recognised that somebody has signed in with before.

A browser carries a signed token in a cookie; for other clients the network and the kind of client must do. Both are
bound to the account and to its password, so that a password change makes strangers of all devices. Neither lets
anybody in: it only spares its holder the waits that strangers have caused.

The browser in which somebody registers gets such a token, too. By it the link that confirms the address is known to be
followed by the same person, who so keeps the password; see ``accounts.access.address_proofs``.
"""

import base64
import binascii
import hmac
import secrets
import struct
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from hashlib import sha256

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

from accounts.models import PendingRegistration, User
from ratelimiting.addresses import neighbourhood_of, normalise
from tokens import devices
from tokens.types import ClientContext

PREFIX = "cdd_"
REMEMBERED = timedelta(days=180)
_BODY = struct.Struct(">16sI")
_MAC_LENGTH = 16
_LENGTH = len(PREFIX) + -(-(_BODY.size + _MAC_LENGTH) * 8 // 6)
_LONGEST_FAMILY = 64


def mint(*, user: User | PendingRegistration, device: bytes | None, now: datetime) -> str:
    """Return the token of a device for its owner, who has just signed in or registered.

    A known device keeps its identity.
    """
    body = _BODY.pack(device or secrets.token_bytes(16), int(now.timestamp()))
    return PREFIX + _encode(body + _mac(settings.SECRET_KEY, body, user))


def recognise(presented: str, *, user: User | PendingRegistration | None, now: datetime) -> bytes | None:
    """Return a device's identity if its token is genuine, this person's, and neither too old nor before a new password.

    Unknown people take the same work.
    """
    if len(presented) != _LENGTH or not presented.startswith(PREFIX):
        return None
    encoded = presented[len(PREFIX) :]
    try:
        raw = base64.b64decode(encoded + "=" * (-len(encoded) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    body, mac = raw[: _BODY.size], raw[_BODY.size :]
    is_genuine = any(hmac.compare_digest(mac, _mac(secret, body, user)) for secret in _secrets())
    if user is None or not is_genuine or _encode(raw) != encoded:
        return None
    device: bytes
    device, issued = _BODY.unpack(body)
    age = now - datetime.fromtimestamp(issued, UTC)
    # Servers' clocks may differ a little.
    return device if timedelta(minutes=-5) <= age < REMEMBERED else None


def place(*, user: User, password_digest: str, client: ClientContext) -> bytes:
    """Return the key of where and with what kind of client somebody signs in."""
    address = normalise(client.ip_address or "")
    return digest(
        "place", str(user.pk), neighbourhood_of(address), family(client.user_agent),
        sha256(password_digest.encode()).hexdigest(),
    )  # fmt: skip


def family(user_agent: str) -> str:
    """Return the kind of client without its version, which changes while the device stays."""
    # An application of one's own names itself in its first word: Example/2.1.
    return devices.describe(user_agent) or user_agent.partition("/")[0].strip()[:_LONGEST_FAMILY]


def digest(*parts: str) -> bytes:
    """Return a key for what is counted: without the server's secret nobody can tell of what."""
    text = "\0".join(parts).encode(errors="replace")
    return hmac.digest(_key(settings.SECRET_KEY, b"cedrina sign-in counts"), text, "sha256")[:_MAC_LENGTH]


def _mac(secret: str, body: bytes, user: User | PendingRegistration | None) -> bytes:
    owner = f"{user.pk} {user.password}" if user else ""
    message = body + sha256(owner.encode()).digest()
    return hmac.digest(_key(secret, b"cedrina known device"), message, "sha256")[:_MAC_LENGTH]


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


@lru_cache(maxsize=16)
def _key(secret: str, purpose: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=purpose).derive(secret.encode())


def _secrets() -> tuple[str, ...]:
    return (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
