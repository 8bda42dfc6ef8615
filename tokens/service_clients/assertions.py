"""Client assertions: JWTs that a service client signs with its own key to authenticate (RFC 7523, 2.2 and 3)."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import jwt
from jwt.algorithms import OKPAlgorithm
from jwt.exceptions import PyJWTError

from cedrina_base.signed_tokens import token_digest
from tokens.errors import ClientAuthenticationFailed
from tokens.service_clients.jwks import ALGORITHMS, verification_keys

MAX_LENGTH = 8192  # characters
# Authlib signs assertions for an hour unless it is told otherwise. A replay within it is refused by the `jti`.
MAX_LIFETIME = timedelta(hours=1)
LEEWAY = timedelta(minutes=1)  # how far the clocks of a client and of this server may differ
_LONGEST_ID = 255
_LATEST = 253_402_300_799  # the end of the year 9999
# OpenID Connect Core, 9 asks for no type. Any other type, such as that of an access token, is another kind of token
# (RFC 8725, 3.11; draft-ietf-oauth-rfc7523bis, 4).
_TYPES = frozenset({"jwt", "client-authentication+jwt"})
# PyJWT does not know the name that RFC 9864 gives to EdDSA with the curve Ed25519; oauth4webapi and others use it.
_JWS = jwt.PyJWS()
_JWS.register_algorithm("Ed25519", OKPAlgorithm())


@dataclass(frozen=True, slots=True)
class ClientAssertion:
    """An assertion that is not verified yet. ``client_id`` is what it claims to be."""

    client_id: UUID
    text: str
    algorithm: str
    key_id: str | None


@dataclass(frozen=True, slots=True)
class VerifiedAssertion:
    """The digest of a verified assertion's ``jti``, and the time until which it has to be remembered."""

    digest: bytes
    expires_at: datetime


def parse_assertion(text: str) -> ClientAssertion:
    """Return what an assertion says about its client and its key, without verifying it.

    Raises: ClientAuthenticationFailed.
    """
    if len(text) > MAX_LENGTH:
        raise ClientAuthenticationFailed(reason="assertion_malformed")
    try:
        header = _JWS.get_unverified_header(text)
        claims = _claims(_JWS.decode(text, options={"verify_signature": False}))
    except (PyJWTError, ValueError, RecursionError) as error:
        raise ClientAuthenticationFailed(reason="assertion_malformed") from error
    kind, key_id = header.get("typ", "JWT"), header.get("kid")
    if (
        header.get("alg") not in ALGORITHMS
        or "crit" in header  # we know no extension (RFC 7515, 4.1.11)
        or not isinstance(kind, str)
        or kind.lower().removeprefix("application/") not in _TYPES
        or not isinstance(key_id, str | None)
    ):
        raise ClientAuthenticationFailed(reason="assertion_malformed")
    issuer, subject = claims.get("iss"), claims.get("sub")
    if not isinstance(subject, str) or issuer != subject:
        raise ClientAuthenticationFailed(reason="assertion_malformed")
    return ClientAssertion(parse_client_id(subject), text, header["alg"], key_id)


def parse_client_id(text: str) -> UUID:
    """Return a client id in its only notation.

    Raises: ClientAuthenticationFailed.
    """
    try:
        client_id = UUID(text)
    except ValueError as error:
        raise ClientAuthenticationFailed(reason="unknown_client") from error
    if str(client_id) != text:
        raise ClientAuthenticationFailed(reason="unknown_client")
    return client_id


def verify_assertion(
    assertion: ClientAssertion, *, jwks: Mapping[str, Any], audiences: Iterable[str], now: datetime
) -> VerifiedAssertion:
    """Verify the signature by the client's registered keys, then audience and times.

    ``audiences`` are the issuer and the address of the token endpoint. The audience must be one of them and nothing
    else: with several, another server that the client trusts could pass the assertion on (RFC 7523bis, 4).

    Raises: ClientAuthenticationFailed.
    """
    claims = _verified_claims(assertion, jwks)
    audience = claims.get("aud")
    if isinstance(audience, list) and len(audience) == 1:
        audience = audience[0]
    if not isinstance(audience, str) or audience not in set(audiences):
        raise ClientAuthenticationFailed(reason="assertion_for_another_audience", client_id=assertion.client_id)
    expires_at, issued_at, usable_from = (_time_of(claims.get(name)) for name in ("exp", "iat", "nbf"))
    if expires_at is None or not now < expires_at <= now + MAX_LIFETIME + LEEWAY:
        raise ClientAuthenticationFailed(reason="assertion_expired", client_id=assertion.client_id)
    if any(moment is not None and moment > now + LEEWAY for moment in (issued_at, usable_from)):
        raise ClientAuthenticationFailed(reason="assertion_not_yet_valid", client_id=assertion.client_id)
    identity = claims.get("jti")
    if not isinstance(identity, str) or not 0 < len(identity) <= _LONGEST_ID:
        raise ClientAuthenticationFailed(reason="assertion_malformed", client_id=assertion.client_id)
    return VerifiedAssertion(token_digest(identity), expires_at)


def _verified_claims(assertion: ClientAssertion, jwks: Mapping[str, Any]) -> dict[str, Any]:
    for key in verification_keys(jwks, algorithm=assertion.algorithm, key_id=assertion.key_id):
        try:
            return _claims(_JWS.decode(assertion.text, key, algorithms=[assertion.algorithm]))
        except (PyJWTError, ValueError, RecursionError):
            continue
    raise ClientAuthenticationFailed(reason="wrong_signature", client_id=assertion.client_id)


def _claims(payload: bytes) -> dict[str, Any]:
    """Return the claims of a payload.

    Raises: ValueError, also for UTF-8 that is none, and RecursionError.
    """
    claims = json.loads(payload.decode())
    if not isinstance(claims, dict):
        raise ValueError("The payload is no object.")  # noqa: TRY004 - as for every other payload that is none
    return claims


def _time_of(value: Any) -> datetime | None:
    """Return a NumericDate (RFC 7519, 2) as a time, ``None`` for what is none."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= _LATEST:
        return None
    return datetime.fromtimestamp(value, UTC)
