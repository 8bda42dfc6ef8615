"""Secrets that people carry for a short while: made here, stored by their digest alone."""

import secrets
from hashlib import sha256

_BYTES = 32


def mint(prefix: str) -> str:
    """Return a new token of 256 random bits; by its prefix scanners and our own masking recognise it."""
    return prefix + secrets.token_urlsafe(_BYTES)


def digest(token: str) -> bytes:
    """Return what a token is stored and found by. It can't be guessed, so a plain SHA-256 is enough."""
    return sha256(token.encode(errors="replace")).digest()
