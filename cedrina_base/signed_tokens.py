"""Short signed tokens: a prefix, then base64url(payload + truncated HMAC-SHA-256 of the payload).

Each kind of token has a key of its own, derived from the server's secret with HKDF-SHA-256 (RFC 5869). So a token needs
no row to be verified, a copy of the database alone is not enough to make one, and a forged token is refused before the
database is asked. Tokens stay valid after ``SECRET_KEY`` has changed for as long as ``SECRET_KEY_FALLBACKS`` holds the
former secret.
"""

import hmac
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

from cedrina_base import base64url


@dataclass(frozen=True, slots=True)
class SignedTokenCodec:
    """The format of one kind of token. Sizes are in bytes.

    ``purpose`` is the HKDF info from which the key is derived. With a ``key_id_size``, that many first bytes of the
    payload are appended to it, so that the payload chooses one of several keys.
    """

    prefix: str
    payload_size: int
    signature_size: int
    purpose: bytes
    key_id_size: int = 0

    @property
    def length(self) -> int:
        """How many characters each token of this kind has."""
        return len(self.prefix) + -(-(self.payload_size + self.signature_size) * 8 // 6)

    def encode(self, payload: bytes, *, secret: str | None = None) -> str:
        """Return the token for a payload, signed under the server's present secret or the given one."""
        signature = self._signature(settings.SECRET_KEY if secret is None else secret, payload)
        return self.prefix + base64url.encode(payload + signature)

    def decode(self, token: str) -> bytes | None:
        """Return the payload of a genuine token, or ``None`` for any other text."""
        if len(token) != self.length or not token.startswith(self.prefix):
            return None
        raw = base64url.decode(token[len(self.prefix) :])
        if raw is None:
            return None
        payload, signature = raw[: self.payload_size], raw[self.payload_size :]
        is_genuine = any(hmac.compare_digest(signature, self._signature(each, payload)) for each in server_secrets())
        return payload if is_genuine else None

    def _signature(self, secret: str, payload: bytes) -> bytes:
        purpose = self.purpose + payload[: self.key_id_size]
        return keyed_digest(payload, secret=secret, purpose=purpose, size=self.signature_size)


def server_secrets() -> tuple[str, ...]:
    """Return the server's present secret, then its former ones (``SECRET_KEY_FALLBACKS``)."""
    return (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)


def keyed_digest(message: bytes, *, secret: str, purpose: bytes, size: int) -> bytes:
    """Return the first ``size`` bytes of HMAC-SHA-256 under the key derived from a secret for a purpose."""
    code = _code_under(secret, purpose).copy()
    code.update(message)
    return code.digest()[:size]


def token_digest(token: str) -> bytes:
    """Return the digest by which a token is stored and found.

    A token has at least 128 unguessable bits, so a plain SHA-256 is enough.
    """
    return sha256(token.encode(errors="replace")).digest()


# Few purposes, few secrets, and for refresh tokens few key epochs in use.
@lru_cache(maxsize=128)
def _code_under(secret: str, purpose: bytes) -> hmac.HMAC:
    """Return the HMAC of no message. OpenSSL copies it in less time than it looks the algorithm up for a new one."""
    key = HKDF(algorithm=SHA256(), length=32, salt=None, info=purpose).derive(secret.encode())
    return hmac.new(key, digestmod="sha256")
