"""Refresh tokens, which are opaque to clients (RFC 6749, 1.5).

A token is ``cdr_`` + base64url(key epoch, family id, generation, first 16 bytes of HMAC-SHA-256 over those): 59
characters. So a forged token is refused without a query, and the same token can be computed again instead of stored.
"""

import os
import random
import struct
from collections.abc import Iterator
from datetime import timedelta
from uuid import UUID

from cedrina_base.signed_tokens import SignedTokenCodec, server_secrets, token_digest
from tokens.types import RefreshClaims

PREFIX = "cdr_"
_BODY = struct.Struct(">B16sQ")
_CODEC = SignedTokenCodec(
    prefix=PREFIX, payload_size=_BODY.size, signature_size=16, purpose=b"cedrina refresh token", key_id_size=1
)
_JITTER = 0.05

# Used only to spread expiry times, not for secrets.
_spread = random.SystemRandom()


def mint_refresh_token(*, family_id: UUID, generation: int, key_epoch: int) -> str:
    """Return the one refresh token of this family and generation, made with the server's current secret."""
    return _CODEC.encode(_BODY.pack(key_epoch, family_id.bytes, generation))


def refresh_tokens_by_secret(*, family_id: UUID, generation: int, key_epoch: int) -> Iterator[str]:
    """Yield that token as made with the current secret and with each former one (``SECRET_KEY_FALLBACKS``)."""
    for secret in server_secrets():
        yield _CODEC.encode(_BODY.pack(key_epoch, family_id.bytes, generation), secret=secret)


def parse_refresh_token(presented: str) -> RefreshClaims | None:
    """Return the claims of a genuine token, ``None`` for anything else. This needs no query."""
    payload = _CODEC.decode(presented)
    if payload is None:
        return None
    key_epoch, family, generation = _BODY.unpack(payload)
    return RefreshClaims(
        family_id=UUID(bytes=family), generation=generation, key_epoch=key_epoch, digest=token_digest(presented)
    )


def random_digest() -> bytes:
    """Return the digest of a family without a refresh token: random bytes, so that no token has it."""
    return os.urandom(32)


def jittered(lifetime: timedelta) -> timedelta:
    """Shorten a lifetime by a random 0 to 5 %, so that clients that started together refresh at different times."""
    return timedelta(seconds=int(lifetime.total_seconds() * (1 - _spread.uniform(0, _JITTER))))
