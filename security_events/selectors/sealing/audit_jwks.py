"""The audit keys as JSON Web Keys (RFC 7517; RFC 8037, 2)."""

from collections.abc import Sequence
from typing import Any

from cedrina_base import base64url
from security_events.models import AuditKey
from security_events.selectors.sealing.checkpoints import audit_keys


def audit_jwks() -> Sequence[dict[str, Any]]:
    """Return the public halves of all audit keys, the retired ones, too: what they signed stays verifiable."""
    return [public_jwk(key) for key in audit_keys()]


def public_jwk(key: AuditKey) -> dict[str, Any]:
    """Return the public half as a JSON Web Key (RFC 8037, 2).

    The member ``audit_trail`` is ours: the name in notes, and the sizes of the tree that the key signs for, those above
    ``from_size`` up to ``to_size``. No token is accepted that names this key.
    """
    return {
        "kty": "OKP",
        "crv": "Ed25519",
        "x": base64url.encode(bytes(key.public_key)),
        "kid": key.kid,
        "use": "sig",
        "alg": "EdDSA",
        "audit_trail": {"name": key.name, "from_size": key.began_at_size, "to_size": key.ended_at_size},
    }
