"""The tokens in mailed links. They are never stored, but computed from a row's id whenever they are needed.

``cdm_`` + base64url(purpose, id of the row, first 16 bytes of HMAC-SHA-256 over those), 48 characters. The key is
derived from the server's secret. So jobs need not contain tokens, a copy of the database is not enough to forge one,
and tokens with an invalid signature are refused without a query.
"""

from dataclasses import dataclass
from uuid import UUID

from accounts.models.mailing import MailedTokenPurpose
from cedrina_base.signed_tokens import SignedTokenCodec, token_digest

PREFIX = "cdm_"
_CODEC = SignedTokenCodec(prefix=PREFIX, payload_size=17, signature_size=16, purpose=b"cedrina mailed token")
_CODES = {
    MailedTokenPurpose.CONFIRM_EMAIL: 1,
    MailedTokenPurpose.RESET_PASSWORD: 2,
    MailedTokenPurpose.CHANGE_EMAIL: 3,
    MailedTokenPurpose.DISOWN: 4,
    MailedTokenPurpose.OPEN_ACCOUNT: 5,
    MailedTokenPurpose.INVITATION: 6,
}
_PURPOSES = {code: purpose for purpose, code in _CODES.items()}


@dataclass(frozen=True, slots=True)
class LinkToken:
    """The content of a token with a valid signature. ``mail_id`` is the id of its row."""

    mail_id: UUID
    purpose: MailedTokenPurpose
    digest: bytes


def mint(*, purpose: MailedTokenPurpose, mail_id: UUID) -> str:
    """Return the token of this purpose and row. It is the same as long as the server's secret is."""
    return _CODEC.encode(bytes([_CODES[purpose]]) + mail_id.bytes)


def parse(presented: str) -> LinkToken | None:
    """Return the content of a token; ``None`` if its signature is not valid. Nothing is queried."""
    payload = _CODEC.decode(presented)
    purpose = _PURPOSES.get(payload[0]) if payload else None
    if payload is None or purpose is None:
        return None
    return LinkToken(mail_id=UUID(bytes=payload[1:]), purpose=purpose, digest=token_digest(presented))
