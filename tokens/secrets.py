"""Refresh tokens: opaque to clients, checked without asking the database, and made again without being stored.

``cdr_`` + base64url(key epoch, family id, generation, first 16 bytes of HMAC-SHA-256 over those), 59 characters. The
key is derived from the server's secret, so a copy of the database alone makes no token.
"""

import base64
import binascii
import hmac
import os
import random
import struct
from collections.abc import Iterator
from datetime import timedelta
from functools import lru_cache
from hashlib import sha256
from uuid import UUID

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

from tokens.types import RefreshClaims

PREFIX = "cdr_"
_BODY = struct.Struct(">B16sQ")
_MAC_LENGTH = 16
_LENGTH = len(PREFIX) + -(-(_BODY.size + _MAC_LENGTH) * 8 // 6)
_JITTER = 0.05

# Not for secrets: it only spreads expiry times.
_spread = random.SystemRandom()


def mint_refresh_token(*, family_id: UUID, generation: int, key_epoch: int) -> str:
    """Return the one refresh token of this family and generation, made with the server's current secret."""
    return _mint(settings.SECRET_KEY, family_id, generation, key_epoch)


def refresh_tokens_by_secret(*, family_id: UUID, generation: int, key_epoch: int) -> Iterator[str]:
    """Yield that token as made with the current secret and with each former one (``SECRET_KEY_FALLBACKS``)."""
    for secret in _server_secrets():
        yield _mint(secret, family_id, generation, key_epoch)


def parse_refresh_token(presented: str) -> RefreshClaims | None:
    """Return the claims of a genuine token, ``None`` for anything else. This needs no query."""
    if len(presented) != _LENGTH or not presented.startswith(PREFIX):
        return None
    encoded = presented[len(PREFIX) :]
    try:
        raw = base64.b64decode(encoded + "=" * (-len(encoded) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    body, mac = raw[: _BODY.size], raw[_BODY.size :]
    key_epoch, family, generation = _BODY.unpack(body)
    # The last character has spare bits: a token has one spelling only, since it is stored by its digest.
    if _encode(raw) != encoded or not any(
        hmac.compare_digest(mac, _mac(secret, key_epoch, body)) for secret in _server_secrets()
    ):
        return None
    return RefreshClaims(
        family_id=UUID(bytes=family), generation=generation, key_epoch=key_epoch, digest=digest(presented)
    )


def digest(token: str) -> bytes:
    """Return the digest that is stored for a token. A token has 128 random bits, so a plain SHA-256 is enough."""
    return sha256(token.encode()).digest()


def random_digest() -> bytes:
    """Return the digest of a family without a refresh token: random bytes, so that no token has it."""
    return os.urandom(32)


def jittered(lifetime: timedelta) -> timedelta:
    """Shorten a lifetime by a random 0 to 5 %, so that clients that started together refresh at different times."""
    return timedelta(seconds=int(lifetime.total_seconds() * (1 - _spread.uniform(0, _JITTER))))


def _mint(secret: str, family_id: UUID, generation: int, key_epoch: int) -> str:
    body = _BODY.pack(key_epoch, family_id.bytes, generation)
    return PREFIX + _encode(body + _mac(secret, key_epoch, body))


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _mac(secret: str, key_epoch: int, body: bytes) -> bytes:
    return hmac.digest(_key(secret, key_epoch), body, "sha256")[:_MAC_LENGTH]


@lru_cache(maxsize=64)
def _key(secret: str, key_epoch: int) -> bytes:
    info = b"cedrina refresh token" + bytes([key_epoch])
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=info).derive(secret.encode())


def _server_secrets() -> tuple[str, ...]:
    return (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
