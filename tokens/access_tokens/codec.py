"""Encode and decode access tokens: JWTs as RFC 9068 profiles them, signed with the algorithm of our key.

``tokens.signing_algorithms`` signs and verifies. The compact serialisation around that (RFC 7515, 3.1) is written here,
because our headers are constant for a key and compared as a whole. PyJWT's ``decode`` also parses the header, and looks
at each of the 900 characters in Python: 160 µs of CPU around a verification that takes 50.
"""

import hashlib
import json
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from rest_framework_simplejwt.backends import TokenBackend
from rest_framework_simplejwt.exceptions import TokenBackendError
from rest_framework_simplejwt.exceptions import TokenError as SimpleJwtError
from rest_framework_simplejwt.tokens import Token

from cedrina_base import base64url
from tokens.access_tokens.keyring import keyring
from tokens.conf import token_settings
from tokens.errors import AccessTokenInvalid
from tokens.signing_algorithms import RS256
from tokens.types import AccessClaims, ServiceClaims, TokenGrant

_MAX_LENGTH = 4096  # bytes; ours have about 900
_SEGMENTS = 3
_MAX_TIME = 253_402_300_799  # the end of the year 9999
_json = json.JSONEncoder(separators=(",", ":"))


class KeyringBackend(TokenBackend):
    """Signs with the keyring's signing key and verifies with the published key whose header the token has."""

    def encode(self, payload: dict[str, Any]) -> str:
        return self.encode_with(payload, kid=None)

    def encode_with(self, payload: dict[str, Any], *, kid: str | None) -> str:
        """Sign with the key that the database named, else with the signing key that this process knows."""
        key = keyring.signing_key(now=datetime.fromtimestamp(payload["iat"], UTC), kid=kid)
        signed = f"{key.header}.{base64url.encode(_json.encode(payload).encode())}"
        return f"{signed}.{base64url.encode(key.algorithm.sign(key.private, signed.encode()))}"

    def decode(self, token: Any, verify: bool = True) -> dict[str, Any]:
        """Verify the signature, issuer and audience of a token, and return its claims.

        The service that authenticates compares the times with the time of the request.

        Raises: TokenBackendError.
        """
        header, payload, signature = _canonical_segments(token)
        key = keyring.verification_key(header)
        if key is None:
            raise TokenBackendError("No published key has this header.")
        if not key.algorithm.verify(key.public, token.rpartition(".")[0].encode(), signature):
            raise TokenBackendError("The signature is wrong.")
        try:
            claims = json.loads(payload.decode())
        except (ValueError, RecursionError) as error:
            raise TokenBackendError("The payload is not JSON.") from error
        if not isinstance(claims, dict):
            raise TokenBackendError("The payload is not an object.")
        if claims.get("iss") != token_settings.ISSUER or claims.get("aud") != token_settings.AUDIENCE:
            raise TokenBackendError("The token is for another audience, or of another issuer.")
        return claims


# The same bytes have the same signature and the same claims for ever, so only tokens that were good are remembered:
# about 0.7 KiB each. Verifying one again takes a tenth of the CPU of a call.
_MOST_REMEMBERED = 1024
_verified: dict[tuple[bytes, str, str], AccessClaims | ServiceClaims] = {}
_backend = KeyringBackend(RS256.name)  # simplejwt requires one; that of the key decides


class AccessToken(Token):
    """An access token, as a simplejwt token."""

    token_type = "access"
    lifetime = timedelta(minutes=15)  # simplejwt requires one; ``ACCESS_TTL`` decides
    _token_backend = _backend

    @property
    def is_of_service_client(self) -> bool:
        """Whether a service client got it for itself. Tokens of people have no ``client_id``."""
        return "client_id" in self.payload

    def verify(self) -> None:
        """Check that each claim is present and has its type, which a signature does not guarantee."""
        claims = self.payload
        if self.is_of_service_client:
            _verify_claims_of_service_client(claims)
            return
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
        """Return the verified claims of a person's token as Python values."""
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
            kid=self.key_id,
        )

    def service_claims(self) -> ServiceClaims:
        """Return the verified claims of a service client's token as Python values."""
        payload = self.payload
        return ServiceClaims(
            client_id=UUID(payload["client_id"]),
            scopes=frozenset(payload["scope"].split()),
            generation=payload["gen"],
            jti=UUID(payload["jti"]),
            issued_at=datetime.fromtimestamp(payload["iat"], UTC),
            expires_at=datetime.fromtimestamp(payload["exp"], UTC),
            kid=self.key_id,
        )

    @property
    def key_id(self) -> str:
        """The id of the key whose signature was verified."""
        return keyring.kid_of_header(str(self.token).partition(".")[0]) or ""


def _verify_claims_of_service_client(claims: dict[str, Any]) -> None:
    times = [claims.get(name) for name in ("exp", "iat")]
    texts = [claims.get(name) for name in ("sub", "client_id", "jti", "scope")]
    if (
        not all(type(value) is int and 0 < value <= _MAX_TIME for value in times)
        or not all(isinstance(value, str) and value for value in texts)
        or claims["sub"] != claims["client_id"]  # RFC 9068, 2.2
        or type(claims.get("gen")) is not int
        or {"sid", "family_id", "nbf"} & claims.keys()
    ):
        raise SimpleJwtError("A claim is missing or of the wrong type.")


def encode_service_token(claims: ServiceClaims, *, kid: str | None) -> str:
    """Return a signed access token of a service client (RFC 9068, 2.2). ``kid`` is the key that the database named.

    Raises: NoSigningKey.
    """
    payload: dict[str, Any] = {
        "iss": token_settings.ISSUER,
        "aud": token_settings.AUDIENCE,
        "sub": str(claims.client_id),
        "client_id": str(claims.client_id),
        "scope": " ".join(sorted(claims.scopes)),
        "exp": int(claims.expires_at.timestamp()),
        "iat": int(claims.issued_at.timestamp()),
        "jti": str(claims.jti),
        "gen": claims.generation,
    }
    return _backend.encode_with(payload, kid=kid)


def encode_access_token(grant: TokenGrant, *, lifetime: timedelta, roles: list[str], tier: str | None = None) -> str:
    """Return a signed access token with the claims of a grant (RFC 9068, 2.2).

    Raises: NoSigningKey.
    """
    issued_at = int(grant.now.timestamp())
    claims: dict[str, Any] = {
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
        claims["tier"] = tier
    return _backend.encode_with(claims, kid=grant.signing_kid)


def decode_access_token(presented: str) -> AccessClaims | ServiceClaims:
    """Verify the signature, issuer, audience and claims of an access token, but neither its times nor whose it is.

    What was verified is remembered, because a client sends a token many times. The key must still be published.

    Raises: AccessTokenInvalid (RFC 9068, 4).
    """
    try:
        remembered = _remembered_name(presented)
        known = _verified.get(remembered)
        if known is not None and keyring.verification_key(presented.partition(".")[0]) is not None:
            return known
        token = AccessToken(presented)  # type: ignore[arg-type]  # simplejwt annotates text as Token
        claims = token.service_claims() if token.is_of_service_client else token.claims()
    except (SimpleJwtError, ValidationError, ValueError, OverflowError) as error:
        raise AccessTokenInvalid(reason=str(error)) from error
    if len(_verified) >= _MOST_REMEMBERED:
        _verified.clear()
    _verified[remembered] = claims
    return claims


def _remembered_name(presented: str) -> tuple[bytes, str, str]:
    """Return what the claims of a token are remembered by: no token, because nothing else keeps one in memory."""
    if not isinstance(presented, str) or len(presented) > _MAX_LENGTH:
        raise SimpleJwtError("Not a token, or too long.")
    return hashlib.sha256(presented.encode()).digest(), token_settings.ISSUER, token_settings.AUDIENCE


def _canonical_segments(token: Any) -> tuple[str, bytes, bytes]:
    """Return the encoded header, the payload and the signature of a JWS in compact serialisation.

    Python's base64 ignores foreign characters and spare bits, so that one token would have many encodings. They are
    refused here.

    Raises: TokenBackendError.
    """
    if not isinstance(token, str) or len(token) > _MAX_LENGTH:
        raise TokenBackendError("Not a token, or too long.")
    segments = token.split(".", _SEGMENTS)
    header, payload, signature = map(base64url.decode, segments) if len(segments) == _SEGMENTS else (None, None, None)
    if header is None or payload is None or signature is None:
        raise TokenBackendError("Not a JWS in compact serialisation.")
    return segments[0], payload, signature
