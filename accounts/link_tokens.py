"""The tokens in mailed links: made again from a row's id whenever they are needed, and never stored.

``cdm_`` + base64url(purpose, id of the row, first 16 bytes of HMAC-SHA-256 over those), 48 characters. The key is
derived from the server's secret: a job needs to carry no token, a copy of the database alone makes none, and junk is
refused before the database is asked.
"""

from dataclasses import dataclass
from uuid import UUID

from accounts.models.mailing import Purpose
from cedrina_base.signed_tokens import SignedTokenCodec, token_digest

PREFIX = "cdm_"
_CODEC = SignedTokenCodec(prefix=PREFIX, payload_size=17, signature_size=16, purpose=b"cedrina mailed token")
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
    return _CODEC.encode(bytes([_CODES[purpose]]) + mail_id.bytes)


def parse(presented: str) -> Link | None:
    """Return what a genuine token says, ``None`` for anything else; costs no query."""
    payload = _CODEC.decode(presented)
    purpose = _PURPOSES.get(payload[0]) if payload else None
    if payload is None or purpose is None:
        return None
    return Link(mail_id=UUID(bytes=payload[1:]), purpose=purpose, digest=token_digest(presented))
