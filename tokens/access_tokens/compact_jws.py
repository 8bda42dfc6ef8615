"""Write documents other than access tokens as signed JWTs (RFC 7515, 3.1)."""

import json
from collections.abc import Mapping
from typing import Any

from cedrina_base import base64url
from tokens.access_tokens.keyring import PublishedKey


def encode(claims: Mapping[str, Any], *, token_type: str, key: PublishedKey) -> str:
    """Return a signed JWT.

    ``token_type`` is the ``typ`` of its header, which no other kind of our tokens has: so none can be presented in the
    place of another (RFC 8725, 3.11).
    """
    header = {"alg": key.algorithm.name, "kid": key.kid, "typ": token_type}
    signed = ".".join(base64url.encode(json.dumps(part, separators=(",", ":")).encode()) for part in (header, claims))
    return f"{signed}.{base64url.encode(key.algorithm.sign(key.private, signed.encode()))}"
