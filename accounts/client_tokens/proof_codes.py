"""Codes that are mailed as a proof. They are derived from the id of the mail, so that no table and no job has them."""

import hmac
from uuid import UUID

from django.conf import settings

from cedrina_base.signed_tokens import keyed_digest, server_secrets

DIGITS = 8
_PURPOSE = b"cedrina mailed proof code"


def code_of(*, mail_id: UUID) -> str:
    """Return the code in a mail."""
    return _derived(settings.SECRET_KEY, mail_id)


def is_right(presented: str, *, mail_id: UUID) -> bool:
    """Return whether a code is that of a mail. Spaces and other characters between its digits don't matter."""
    digits = "".join(character for character in presented if character in "0123456789").encode()
    return any(hmac.compare_digest(digits, _derived(secret, mail_id).encode()) for secret in server_secrets())


def _derived(secret: str, mail_id: UUID) -> str:
    # 2^64 is so much more than 10^8 that each code is as likely as any other, to 1 in 10^11.
    digest = keyed_digest(mail_id.bytes, secret=secret, purpose=_PURPOSE, size=8)
    return f"{int.from_bytes(digest) % 10**DIGITS:0{DIGITS}d}"
