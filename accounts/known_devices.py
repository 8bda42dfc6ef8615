"""By what a device is recognised that somebody has signed in with before.

It carries a signed token in a cookie, bound to the account and to its password, so that a password change makes
strangers of all devices. It lets nobody in: it only spares its holder the waits that strangers have caused. The place
of a sign-in, a network and a kind of client, spares nobody anything, since others share it; people are only told of
sign-ins from places that are new.

The browser in which somebody registers gets such a token, too. By it the link that confirms the address is known to be
followed by the same person, who so keeps the password; see ``accounts.rules.address_proofs``.
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
from ratelimiting.client_addresses.networks import normalise, surrounding_network
from tokens import devices
from tokens.types import ClientContext

PREFIX = "cdd_"
REMEMBERED = timedelta(days=180)
_BODY = struct.Struct(">16sI")
_MAC_LENGTH = 16
_SEAL_LENGTH = 8
_LENGTH = len(PREFIX) + -(-(_BODY.size + _MAC_LENGTH + _SEAL_LENGTH) * 8 // 6)
_LONGEST_FAMILY = 64


def mint(*, user: User | PendingRegistration, device: bytes | None, now: datetime) -> str:
    """Return the token of a device for its owner, who has just signed in or registered.

    A known device keeps its identity.
    """
    body = _BODY.pack(device or secrets.token_bytes(16), int(now.timestamp()))
    bound = body + _mac(settings.SECRET_KEY, body, user)
    return PREFIX + _encode(bound + _seal(settings.SECRET_KEY, bound))


def recognise(presented: str, *, user: User | PendingRegistration | None, now: datetime) -> bytes | None:
    """Return a device's identity if its token is genuine, this person's, and neither too old nor before a new password.

    Unknown people take the same work.
    """
    bound = _unsealed(presented)
    if bound is None:
        return None
    body, mac = bound[: _BODY.size], bound[_BODY.size :]
    is_genuine = any(hmac.compare_digest(mac, _mac(secret, body, user)) for secret in _secrets())
    if user is None or not is_genuine:
        return None
    device: bytes
    device, issued = _BODY.unpack(body)
    age = now - datetime.fromtimestamp(issued, UTC)
    # Servers' clocks may differ a little.
    return device if timedelta(minutes=-5) <= age < REMEMBERED else None


def device_of(presented: str) -> bytes | None:
    """Return the identity in a device's token that was made here, whosever device it is; no account is looked up."""
    bound = _unsealed(presented)
    return None if bound is None else bound[: _BODY.size - 4]


def after_reset(*, user: User | PendingRegistration) -> bytes:
    """Return the identity of all devices on which somebody has set a new password by mail and not signed in since.

    It is one for each account, however often that happens: whoever can read the mail could else make any number of
    devices, each with guesses at the second factor of its own.
    """
    return digest("after reset", str(user.pk))


def place(*, user: User, password_digest: str, client: ClientContext) -> bytes:
    """Return the key of where and with what kind of client somebody signs in."""
    address = normalise(client.ip_address or "")
    return digest(
        "place",
        str(user.pk),
        surrounding_network(address),
        family(client.user_agent),
        sha256(password_digest.encode()).hexdigest(),
    )


def family(user_agent: str) -> str:
    """Return the kind of client without its version, which changes while the device stays."""
    # An application of one's own names itself in its first word: Example/2.1.
    return devices.describe(user_agent) or user_agent.partition("/")[0].strip()[:_LONGEST_FAMILY]


def digest(*parts: str) -> bytes:
    """Return a key for what is counted: without the server's secret nobody can tell of what."""
    text = "\0".join(parts).encode(errors="replace")
    return hmac.digest(_key(settings.SECRET_KEY, b"cedrina sign-in counts"), text, "sha256")[:_MAC_LENGTH]


def _unsealed(presented: str) -> bytes | None:
    """Return what a token of ours holds, ``None`` for what is not one to the letter."""
    if len(presented) != _LENGTH or not presented.startswith(PREFIX):
        return None
    encoded = presented[len(PREFIX) :]
    try:
        raw = base64.b64decode(encoded + "=" * (-len(encoded) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    bound, seal = raw[:-_SEAL_LENGTH], raw[-_SEAL_LENGTH:]
    is_ours = any(hmac.compare_digest(seal, _seal(secret, bound)) for secret in _secrets())
    return bound if is_ours and _encode(raw) == encoded else None


def _seal(secret: str, bound: bytes) -> bytes:
    return hmac.digest(_key(secret, b"cedrina device token"), bound, "sha256")[:_SEAL_LENGTH]


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
