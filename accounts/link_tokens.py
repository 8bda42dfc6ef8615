"""The tokens in mailed links: made again from a row's id whenever they are needed, and never stored.

``cdm_`` + base64url(purpose, id of the row, first 16 bytes of HMAC-SHA-256 over those), 48 characters. The key is
derived from the server's secret: a job needs to carry no token, a copy of the database alone makes none, and junk is
refused before the database is asked.
"""

import base64
import binascii
import hmac
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from uuid import UUID

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

from accounts.models.mailing import Purpose

PREFIX = "cdm_"
_MAC_LENGTH = 16
_BODY_LENGTH = 17
_LENGTH = len(PREFIX) + (_BODY_LENGTH + _MAC_LENGTH) * 8 // 6  # 264 bits: base64 has none to spare
_CODES = {
    Purpose.CONFIRM_EMAIL: 1,
    Purpose.RESET_PASSWORD: 2,
    Purpose.CHANGE_EMAIL: 3,
    Purpose.DISOWN: 4,
    Purpose.OPEN_ACCOUNT: 5,
}
_PURPOSES = {code: purpose for purpose, code in _CODES.items()}


@dataclass(frozen=True, slots=True)
class Link:
    """What a genuine token says: which row it stands for, and what it is for."""

    mail_id: UUID
    purpose: Purpose
    digest: bytes


def mint(*, purpose: Purpose, mail_id: UUID) -> str:
    """Return the one token of this purpose and row, under the server's present secret."""
    body = bytes([_CODES[purpose]]) + mail_id.bytes
    return PREFIX + base64.urlsafe_b64encode(body + _mac(settings.SECRET_KEY, body)).decode()


def parse(presented: str) -> Link | None:
    """Return what a genuine token says, ``None`` for anything else; costs no query."""
    if len(presented) != _LENGTH or not presented.startswith(PREFIX):
        return None
    try:
        raw = base64.b64decode(presented[len(PREFIX) :], altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    if base64.urlsafe_b64encode(raw).decode() != presented[len(PREFIX) :]:
        return None  # the decoder also takes the signs of plain base64: a token has one spelling only
    body, mac = raw[:_BODY_LENGTH], raw[_BODY_LENGTH:]
    secrets = (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    purpose = _PURPOSES.get(body[0]) if body else None
    if purpose is None or not any(hmac.compare_digest(mac, _mac(secret, body)) for secret in secrets):
        return None
    return Link(mail_id=UUID(bytes=body[1:]), purpose=purpose, digest=digest(presented))


def digest(token: str) -> bytes:
    """Return what a token is stored by. It has 128 unguessable bits, so a plain SHA-256 is enough."""
    return sha256(token.encode()).digest()


def _mac(secret: str, body: bytes) -> bytes:
    return hmac.digest(_key(secret), body, "sha256")[:_MAC_LENGTH]


@lru_cache(maxsize=16)
def _key(secret: str) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=b"cedrina mailed token").derive(secret.encode())
