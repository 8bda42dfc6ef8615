"""Base64url without padding, with exactly one encoding of each value (RFC 4648, 5 and 3.5)."""

import base64
import binascii


def encode(raw: bytes) -> str:
    """Return the base64url encoding without padding."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def decode(text: str) -> bytes | None:
    """Return the decoded bytes, or ``None`` for a text that ``encode`` does not return.

    Python's decoder also accepts padding, the characters ``+`` and ``/``, and unused bits of the last character that
    are not zero. They are refused here: a token that is stored by its digest must have one encoding only.
    """
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    return raw if encode(raw) == text else None
