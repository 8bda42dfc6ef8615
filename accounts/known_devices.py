"""Recognise devices and clients that a person has signed in with before.

A known device has a signed token in a cookie. The token is bound to the account and to its password, so that a password
change invalidates all of them. It signs nobody in: its holder only doesn't have to wait because of the wrong guesses of
strangers. A known client is a network and a kind of user agent. Other people can share it, so it never shortens a wait;
people are mailed about sign-ins from clients that are new.

The browser that registers gets a device token, too. It shows that the link that confirms the address is opened by the
same person, whose password is then kept; see ``accounts.rules.address_proofs``.
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
_SEAL_LENGTH = 8
_LENGTH = len(PREFIX) + -(-(_BODY.size + _MAC_LENGTH + _SEAL_LENGTH) * 8 // 6)
_LONGEST_FAMILY = 64


def mint(*, user: User | PendingRegistration, device: bytes | None, now: datetime) -> str:
    """Return a device token for an owner who has just signed in or registered. A known device keeps its id."""
    body = _BODY.pack(device or secrets.token_bytes(16), int(now.timestamp()))
    bound = body + _mac(settings.SECRET_KEY, body, user)
    return PREFIX + _encode(bound + _seal(settings.SECRET_KEY, bound))


def recognise(presented: str, *, user: User | PendingRegistration | None, now: datetime) -> bytes | None:
    """Return the id of a device if its token is genuine, not too old, and bound to this person's present password.

    An unknown person takes the same work.
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


def device_id(presented: str) -> bytes | None:
    """Return the device id in a token that this deployment issued, whoever its owner is. No account is looked up."""
    bound = _unsealed(presented)
    return None if bound is None else bound[: _BODY.size - 4]


def reset_device_id(*, user: User | PendingRegistration) -> bytes:
    """Return the one device id that an account's password resets by mail give.

    Every reset gives the same id. Otherwise a person who can read the mail could make any number of devices, each with
    its own guesses at the second factor.
    """
    return digest("after reset", str(user.pk))


def client_key(*, user: User, password_digest: str, client: ClientContext) -> bytes:
    """Return the key of the client that somebody signs in from: its network and its kind of user agent."""
    address = normalise(client.ip_address or "")
    return digest(
        "client_key",
        str(user.pk),
        neighbourhood_of(address),
        client_family(client.user_agent),
        sha256(password_digest.encode()).hexdigest(),
    )


def client_family(user_agent: str) -> str:
    """Return the kind of a user agent without its version, which changes while the device stays the same."""
    # An application names itself in its first word: Example/2.1.
    return devices.describe(user_agent) or user_agent.partition("/")[0].strip()[:_LONGEST_FAMILY]


def digest(*parts: str) -> bytes:
    """Return a keyed digest of some parts, so that the rows of counters reveal nothing without the server's secret."""
    text = "\0".join(parts).encode(errors="replace")
    return hmac.digest(_key(settings.SECRET_KEY, b"cedrina sign-in counts"), text, "sha256")[:_MAC_LENGTH]


def _unsealed(presented: str) -> bytes | None:
    """Return the content of a device token; ``None`` unless it is, byte for byte, one that this deployment issued."""
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
