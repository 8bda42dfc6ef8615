"""Ids of keys."""

import json
from hashlib import sha256

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt.algorithms import RSAAlgorithm

from cedrina_base import base64url


def of(public: RSAPublicKey) -> str:
    """Return the JWK thumbprint of a key, in base64url (RFC 7638, 3)."""
    jwk = RSAAlgorithm.to_jwk(public, as_dict=True)
    members = {name: jwk[name] for name in ("e", "kty", "n")}
    canonical = json.dumps(members, separators=(",", ":"), sort_keys=True)
    return base64url.encode(sha256(canonical.encode()).digest())
