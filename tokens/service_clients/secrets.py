"""Secrets of service clients: ``cds_`` and 256 random bits, so that scanners of source code can find them."""

import secrets

from cedrina_base.signed_tokens import token_digest

PREFIX = "cds_"
_BYTES = 32


def mint_client_secret() -> tuple[str, bytes]:
    """Return a new secret, and the digest by which it is stored and found.

    The secret has 256 unguessable bits, so a plain SHA-256 is enough, and a slow hash would only slow the clients down
    (OWASP ASVS 5.0, 11.4.2 is about secrets that people choose).
    """
    secret = PREFIX + secrets.token_urlsafe(_BYTES)
    return secret, token_digest(secret)
