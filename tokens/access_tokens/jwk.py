"""Public keys as JSON Web Keys."""

import json
from collections.abc import Callable
from hashlib import sha256
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from cedrina_base import base64url
from tokens.signing_algorithms import PublicKey

# The required members of each type of key: RFC 7518, 6.2.1 and 6.3.1, and RFC 8037, 2.
_TYPES: tuple[tuple[type[PublicKey], Callable[..., Any], tuple[str, ...]], ...] = (
    (RSAPublicKey, RSAAlgorithm.to_jwk, ("kty", "n", "e")),
    (EllipticCurvePublicKey, ECAlgorithm.to_jwk, ("kty", "crv", "x", "y")),
    (Ed25519PublicKey, OKPAlgorithm.to_jwk, ("kty", "crv", "x")),
)


def members_of(public: PublicKey) -> dict[str, str]:
    """Return the required members of a key, which are those of its thumbprint, too (RFC 7638, 3.2; RFC 8037, 2)."""
    to_jwk, names = next((convert, names) for kind, convert, names in _TYPES if isinstance(public, kind))
    members = to_jwk(public, as_dict=True)
    return {name: members[name] for name in names}


def thumbprint_of(public: PublicKey) -> str:
    """Return the JWK thumbprint of a key, in base64url (RFC 7638, 3)."""
    canonical = json.dumps(members_of(public), separators=(",", ":"), sort_keys=True)
    return base64url.encode(sha256(canonical.encode()).digest())
