"""Base64url without padding, with exactly one encoding of each value (RFC 4648, 5 and 3.5)."""

import binascii

# Python's module base64 does the same by three calls, and a token is encoded and decoded several times for a refresh.
_TO_URL = bytes.maketrans(b"+/", b"-_")
_FROM_URL = bytes.maketrans(b"-_", b"+/")


def encode(raw: bytes) -> str:
    """Return the base64url encoding without padding."""
    return binascii.b2a_base64(raw, newline=False).translate(_TO_URL).rstrip(b"=").decode()


def decode(text: str) -> bytes | None:
    """Return the decoded bytes, or ``None`` for a text that ``encode`` does not return.

    Python's decoder also accepts padding, the characters ``+`` and ``/``, and unused bits of the last character that
    are not zero. They are refused here: a token that is stored by its digest must have one encoding only.
    """
    try:
        raw = binascii.a2b_base64(text.encode("ascii").translate(_FROM_URL) + b"=" * (-len(text) % 4), strict_mode=True)
    except ValueError:  # as binascii.Error and UnicodeEncodeError are
        return None
    return raw if encode(raw) == text else None
