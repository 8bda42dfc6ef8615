"""Access tokens: JWTs after RFC 9068, signed with RS256 and nothing else."""

import base64
import binascii
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

from tokens.conf import token_settings
from tokens.errors import AccessTokenInvalid
from tokens.keyring import ALGORITHM, TYPE, keyring
from tokens.types import AccessClaims, TokenGrant

_LONGEST = 4096  # bytes; ours are about 900
_PARTS = 3
_LATEST = 253_402_300_799  # the end of the year 9999


class KeyringBackend(TokenBackend):
    """Signs with the ring's key; verifies with whichever published key the header names."""

    def encode(self, payload: dict[str, Any]) -> str:
        return self.encode_with(payload, kid=None)

    def encode_with(self, payload: dict[str, Any], *, kid: str | None) -> str:
        """Sign with the key that the database named, or with the one that signs as far as this process knows."""
        key = keyring.signing(now=datetime.fromtimestamp(payload["iat"], UTC), kid=kid)
        return jwt.encode(payload, key.private, ALGORITHM, headers={"kid": key.kid, "typ": TYPE}, sort_headers=True)

    def decode(self, token: Any, verify: bool = True) -> dict[str, Any]:
        public = keyring.verifying(_header_of_canonical(token))
        if public is None:
            raise TokenBackendError("No published key made this header.")
        try:
            payload: dict[str, Any] = jwt.decode(
                token,
                public,
                algorithms=[ALGORITHM],
                audience=token_settings.AUDIENCE,
                issuer=token_settings.ISSUER,
                # Times are for the database's clock to judge, in the query that is made anyway.
                options={"strict_aud": True, "verify_exp": False, "verify_iat": False, "verify_nbf": False},
            )
        except (jwt.InvalidTokenError, ValueError, RecursionError) as error:
            raise TokenBackendError(str(error)) from error
        return payload


class AccessToken(Token):
    """What a client shows with each request."""

    token_type = "access"
    lifetime = timedelta(minutes=15)  # the setting decides; simplejwt wants one here
    _token_backend = KeyringBackend(ALGORITHM)
    signing_kid: str | None = None

    def __str__(self) -> str:
        """Sign the token.

        Raises: NoSigningKey.
        """
        return self._token_backend.encode_with(self.payload, kid=self.signing_kid)

    @classmethod
    def issue(
        cls, lineage: TokenGrant, *, lifetime: timedelta, roles: list[str], tier: str | None = None
    ) -> "AccessToken":
        """Make the claims of a token for this lineage (RFC 9068, 2.2)."""
        token = cls()
        token.signing_kid = lineage.signing_kid
        issued_at = int(lineage.now.timestamp())
        token.payload = {
            "iss": token_settings.ISSUER,
            "aud": token_settings.AUDIENCE,
            "sub": str(lineage.user.pk),
            "exp": issued_at + int(lifetime.total_seconds()),
            "iat": issued_at,
            "auth_time": int(lineage.authenticated_at.timestamp()),
            "jti": str(uuid.uuid4()),
            "sid": str(lineage.session_id),
            "family_id": str(lineage.family_id),
            "gen": lineage.generation,
            "amr": list(lineage.amr),
            "roles": roles,
        }
        if tier is not None:
            token.payload["tier"] = tier
        return token

    def verify(self) -> None:
        """Check that each claim is there and of its type; a signature says nothing of that."""
        claims = self.payload
        times = [claims.get(name) for name in ("exp", "iat", "auth_time")]
        texts = [claims.get(name) for name in ("sub", "jti", "sid", "family_id")]
        lists = [claims.get(name) for name in ("amr", "roles")]
        if (
            not all(type(value) is int and 0 < value <= _LATEST for value in times)
            or not all(isinstance(value, str) and value for value in texts)
            or not all(isinstance(value, list) and all(isinstance(item, str) for item in value) for value in lists)
            or type(claims.get("gen")) is not int
            or not isinstance(claims.get("tier", ""), str)
            or "nbf" in claims  # we issue none, and nobody here would judge it
        ):
            raise SimpleJwtError("A claim is missing or of the wrong type.")

    def claims(self) -> AccessClaims:
        """Return the verified claims as values."""
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
            kid=keyring.kid_of(str(self.token).partition(".")[0]) or "",
        )


def decode_access_token(presented: str) -> AccessClaims:
    """Verify an access token's signature, issuer, audience and claims; its times and its session are not judged.

    Raises: AccessTokenInvalid (RFC 9068, 4).
    """
    try:
        return AccessToken(presented).claims()  # type: ignore[arg-type]  # simplejwt annotates text as Token
    except (SimpleJwtError, ValidationError, ValueError, OverflowError) as error:
        raise AccessTokenInvalid(reason=str(error)) from error


def _header_of_canonical(token: Any) -> str:
    """Return the header segment of a compact JWS in its one spelling.

    Python's base64 passes over foreign characters and spare bits, which would give one token many spellings.
    """
    if not isinstance(token, str) or len(token) > _LONGEST:
        raise TokenBackendError("Not a token of ours.")
    parts = token.split(".")
    try:
        raw = token.encode("ascii")
        canonical = len(parts) == _PARTS and all(map(_is_canonical, raw.split(b".")))
    except (UnicodeEncodeError, binascii.Error):
        canonical = False
    if not canonical:
        raise TokenBackendError("Not a JWS in compact serialisation.")
    return parts[0]


def _is_canonical(segment: bytes) -> bool:
    padded = segment + b"=" * (-len(segment) % 4)
    return b"=" not in segment and base64.urlsafe_b64encode(base64.b64decode(padded, b"-_", validate=True)) == padded
