"""Recognise devices and clients that a person has signed in with before.

A known device has a signed token in a cookie. The token is bound to the account and to its password, so that a password
change invalidates all of them. It signs nobody in: its holder only doesn't have to wait because of the wrong guesses of
strangers. A known client is a network and a kind of user agent. Other people can share it, so it never shortens a wait;
people are mailed about sign-ins from clients that are new.

The browser that registers gets a device token, too. It shows that the link that confirms the address is opened by the
same person, whose password is then kept; see ``accounts.rules.address_proofs``.
"""

import hmac
import secrets
import struct
from datetime import UTC, datetime, timedelta
from hashlib import sha256

from django.conf import settings

from accounts.models import PendingRegistration, User
from cedrina_base.signed_tokens import SignedTokenCodec, keyed_digest, server_secrets
from ratelimiting.client_addresses.networks import normalise, surrounding_network
from tokens import devices
from tokens.types import ClientContext

PREFIX = "cdd_"
REMEMBERED = timedelta(days=180)
_BODY = struct.Struct(">16sI")
_MAC_LENGTH = 16
_CODEC = SignedTokenCodec(
    prefix=PREFIX, payload_size=_BODY.size + _MAC_LENGTH, signature_size=8, purpose=b"cedrina device token"
)
_LONGEST_FAMILY = 64


def mint(*, user: User | PendingRegistration, device: bytes | None, now: datetime) -> str:
    """Return a device token for an owner who has just signed in or registered. A known device keeps its id."""
    body = _BODY.pack(device or secrets.token_bytes(16), int(now.timestamp()))
    return _CODEC.encode(body + _mac(settings.SECRET_KEY, body, user))


def recognise(presented: str, *, user: User | PendingRegistration | None, now: datetime) -> bytes | None:
    """Return the id of a device if its token is genuine, not too old, and bound to this person's present password.

    An unknown person takes the same work.
    """
    bound = _CODEC.decode(presented)
    if bound is None:
        return None
    body, mac = bound[: _BODY.size], bound[_BODY.size :]
    is_genuine = any(hmac.compare_digest(mac, _mac(secret, body, user)) for secret in server_secrets())
    if user is None or not is_genuine:
        return None
    device: bytes
    device, issued = _BODY.unpack(body)
    age = now - datetime.fromtimestamp(issued, UTC)
    # Servers' clocks may differ a little.
    return device if timedelta(minutes=-5) <= age < REMEMBERED else None


def used_at(presented: str) -> datetime | None:
    """Return when the device of a token has signed in last, ``None`` if this deployment did not issue the token."""
    bound = _CODEC.decode(presented)
    return None if bound is None else datetime.fromtimestamp(_BODY.unpack(bound[: _BODY.size])[1], UTC)


def device_id(presented: str) -> bytes | None:
    """Return the device id in a token that this deployment issued, whoever its owner is. No account is looked up."""
    bound = _CODEC.decode(presented)
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
        surrounding_network(address),
        client_family(client.user_agent),
        sha256(password_digest.encode()).hexdigest(),
    )


def client_family(user_agent: str) -> str:
    """Return the kind of a user agent without its version, which changes while the device stays the same."""
    # An application names itself in its first word: Example/2.1.
    return devices.device_name(user_agent) or user_agent.partition("/")[0].strip()[:_LONGEST_FAMILY]


def digest(*parts: str) -> bytes:
    """Return a keyed digest of some parts, so that the rows of counters reveal nothing without the server's secret."""
    text = "\0".join(parts).encode(errors="replace")
    return keyed_digest(text, secret=settings.SECRET_KEY, purpose=b"cedrina sign-in counts", size=_MAC_LENGTH)


def _mac(secret: str, body: bytes, user: User | PendingRegistration | None) -> bytes:
    owner = f"{user.pk} {user.password}" if user else ""
    message = body + sha256(owner.encode()).digest()
    return keyed_digest(message, secret=secret, purpose=b"cedrina known device", size=_MAC_LENGTH)
