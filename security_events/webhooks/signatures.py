"""Secrets and signatures of Standard Webhooks 1.0.0, https://www.standardwebhooks.com."""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

SECRET_PREFIX, PRIVATE_PREFIX, PUBLIC_PREFIX = "whsec_", "whsk_", "whpk_"
_SECRET_BYTES = 32  # 24 to 64 are allowed


class SigningSecret(NamedTuple):
    """The symmetric secret and the Ed25519 keys of a webhook, as texts with the prefixes of the specification."""

    secret: str
    private_key: str
    public_key: str


def mint() -> SigningSecret:
    """Return a new secret with a new pair of keys."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    private = Ed25519PrivateKey.generate()
    return SigningSecret(
        _text(SECRET_PREFIX, secrets.token_bytes(_SECRET_BYTES)),
        _text(PRIVATE_PREFIX, private.private_bytes_raw()),
        _text(PUBLIC_PREFIX, private.public_key().public_bytes_raw()),
    )


class Signer:
    """Signs the messages of one webhook with each of its live secrets: ``v1`` and ``v1a`` for each."""

    def __init__(self, keys: Sequence[SigningSecret]) -> None:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        self._secrets = [_bytes(key.secret) for key in keys]
        self._private_keys = [Ed25519PrivateKey.from_private_bytes(_bytes(key.private_key)) for key in keys]

    def headers(self, *, message_id: str, body: bytes, now: datetime) -> dict[str, str]:
        """Return the headers of a message that is sent now."""
        timestamp = str(int(now.timestamp()))
        content = f"{message_id}.{timestamp}.".encode() + body
        signatures = [
            *(f"v1,{_base64(hmac.digest(secret, content, hashlib.sha256))}" for secret in self._secrets),
            *(f"v1a,{_base64(private.sign(content))}" for private in self._private_keys),
        ]
        return {
            "webhook-id": message_id,
            "webhook-timestamp": timestamp,
            "webhook-signature": " ".join(signatures),
        }


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode()


def _text(prefix: str, content: bytes) -> str:
    return prefix + _base64(content)


def _bytes(text: str) -> bytes:
    return base64.b64decode(text.partition("_")[2])
