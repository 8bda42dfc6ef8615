"""RSA public keys as JSON Web Keys."""

import json
from hashlib import sha256

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt.algorithms import RSAAlgorithm

from cedrina_base import base64url


def members_of(public: RSAPublicKey) -> dict[str, str]:
    """Return the required members of a key: ``kty``, ``n`` and ``e`` (RFC 7518, 6.3.1)."""
    members = RSAAlgorithm.to_jwk(public, as_dict=True)
    return {name: members[name] for name in ("kty", "n", "e")}


def thumbprint_of(public: RSAPublicKey) -> str:
    """Return the JWK thumbprint of a key, in base64url (RFC 7638, 3)."""
    canonical = json.dumps(members_of(public), separators=(",", ":"), sort_keys=True)
    return base64url.encode(sha256(canonical.encode()).digest())
