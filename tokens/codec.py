"""Encode and decode access tokens: JWTs as RFC 9068 profiles them, signed with the algorithm of our key."""

import json
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import jwt
from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from rest_framework_simplejwt.backends import TokenBackend
from rest_framework_simplejwt.exceptions import TokenBackendError
from rest_framework_simplejwt.exceptions import TokenError as SimpleJwtError
from rest_framework_simplejwt.tokens import Token

from cedrina_base import base64url
from tokens.conf import token_settings
from tokens.errors import AccessTokenInvalid
from tokens.keyring import keyring
from tokens.signing_algorithms import RS256
from tokens.types import AccessClaims, TokenGrant

_MAX_LENGTH = 4096  # bytes; ours have about 900
_PARTS = 3
_MAX_TIME = 253_402_300_799  # the end of the year 9999


class KeyringBackend(TokenBackend):
    """Signs with the keyring's signing key and verifies with the published key whose header the token has.

    The algorithm is always that of the key.
    """

    def encode(self, payload: dict[str, Any]) -> str:
        return self.encode_with(payload, kid=None)

    def encode_with(self, payload: dict[str, Any], *, kid: str | None) -> str:
        """Sign with the key that the database named, else with the signing key that this process knows."""
        key = keyring.signing_key(now=datetime.fromtimestamp(payload["iat"], UTC), kid=kid)
        signed = f"{key.header}.{base64url.encode(json.dumps(payload, separators=(',', ':')).encode())}"
        return f"{signed}.{base64url.encode(key.algorithm.sign(key.private, signed.encode()))}"

    def decode(self, token: Any, verify: bool = True) -> dict[str, Any]:
        header, signature = _header_and_signature(token)
        key = keyring.verification_key(header)
        if key is None:
            raise TokenBackendError("No published key has this header.")
        if not key.algorithm.verify(key.public, token.rpartition(".")[0].encode(), signature):
            raise TokenBackendError("The signature is not that of the key.")
        try:
            payload: dict[str, Any] = jwt.decode(
                token,
                audience=token_settings.AUDIENCE,
                issuer=token_settings.ISSUER,
                # The signature is verified already, and the service that authenticates compares the times with the
                # time of the request.
                options={"verify_signature": False, "verify_aud": True, "verify_iss": True, "strict_aud": True},
            )
        except (jwt.InvalidTokenError, ValueError, RecursionError) as error:
            raise TokenBackendError(str(error)) from error
        return payload


class AccessToken(Token):
    """An access token, as a simplejwt token."""

    token_type = "access"
    lifetime = timedelta(minutes=15)  # simplejwt requires one; ``ACCESS_TTL`` decides
    _token_backend = KeyringBackend(RS256.name)  # simplejwt requires one; that of the key decides
    signing_kid: str | None = None

    def __str__(self) -> str:
        """Sign the token.

        Raises: NoSigningKey.
        """
        return self._token_backend.encode_with(self.payload, kid=self.signing_kid)

    @classmethod
    def issue(
        cls, grant: TokenGrant, *, lifetime: timedelta, roles: list[str], tier: str | None = None
    ) -> "AccessToken":
        """Return an unsigned token with the claims of a grant (RFC 9068, 2.2)."""
        token = cls()
        token.signing_kid = grant.signing_kid
        issued_at = int(grant.now.timestamp())
        token.payload = {
            "iss": token_settings.ISSUER,
            "aud": token_settings.AUDIENCE,
            "sub": str(grant.user.pk),
            "exp": issued_at + int(lifetime.total_seconds()),
            "iat": issued_at,
            "auth_time": int(grant.authenticated_at.timestamp()),
            "jti": str(uuid.uuid4()),
            "sid": str(grant.session_id),
            "family_id": str(grant.family_id),
            "gen": grant.generation,
            "amr": list(grant.amr),
            "roles": roles,
        }
        if tier is not None:
            token.payload["tier"] = tier
        return token

    def verify(self) -> None:
        """Check that each claim is present and has its type, which a signature does not guarantee."""
        claims = self.payload
        times = [claims.get(name) for name in ("exp", "iat", "auth_time")]
        texts = [claims.get(name) for name in ("sub", "jti", "sid", "family_id")]
        lists = [claims.get(name) for name in ("amr", "roles")]
        if (
            not all(type(value) is int and 0 < value <= _MAX_TIME for value in times)
            or not all(isinstance(value, str) and value for value in texts)
            or not all(isinstance(value, list) and all(isinstance(item, str) for item in value) for value in lists)
            or type(claims.get("gen")) is not int
            or not isinstance(claims.get("tier", ""), str)
            or "nbf" in claims  # we issue none, and nothing here checks it
        ):
            raise SimpleJwtError("A claim is missing or of the wrong type.")

    def claims(self) -> AccessClaims:
        """Return the verified claims as Python values."""
        payload = self.payload
        return AccessClaims(
            user_id=get_user_model()._meta.pk.to_python(payload["sub"]),
            session_id=UUID(payload["sid"]),
            family_id=UUID(payload["family_id"]),
            generation=payload["gen"],
            jti=payload["jti"],
            issued_at=datetime.fromtimestamp(payload["iat"], UTC),
            expires_at=datetime.fromtimestamp(payload["exp"], UTC),
            tier=payload.get("tier"),
            kid=keyring.kid_of_header(str(self.token).partition(".")[0]) or "",
        )


def decode_access_token(presented: str) -> AccessClaims:
    """Verify the signature, issuer, audience and claims of an access token, but neither its times nor its session.

    Raises: AccessTokenInvalid (RFC 9068, 4).
    """
    try:
        return AccessToken(presented).claims()  # type: ignore[arg-type]  # simplejwt annotates text as Token
    except (SimpleJwtError, ValidationError, ValueError, OverflowError) as error:
        raise AccessTokenInvalid(reason=str(error)) from error


def _header_and_signature(token: Any) -> tuple[str, bytes]:
    """Return the header segment and the signature of a JWS in compact serialisation, if its encoding is canonical.

    Python's base64 ignores foreign characters and spare bits, so one token would have many encodings.
    """
    if not isinstance(token, str) or len(token) > _MAX_LENGTH:
        raise TokenBackendError("Not a token, or too long.")
    parts = token.split(".")
    signature = base64url.decode(parts[-1])
    if len(parts) != _PARTS or signature is None or any(base64url.decode(part) is None for part in parts[:-1]):
        raise TokenBackendError("Not a JWS in compact serialisation.")
    return parts[0], signature
