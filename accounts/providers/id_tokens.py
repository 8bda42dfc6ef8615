"""Verify an ID token (OpenID Connect Core, 3.1.3.7), believing nothing that it says of itself before."""

import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from accounts.errors import SocialTokenInvalid
from accounts.providers import discovery
from accounts.providers.registry import Provider
from cedrina_base import base64url

# Public keys alone: what anybody can compute with a published key proves nothing (RFC 8725, 2.1 and 3.1).
DIGESTS = {
    "RS256": hashlib.sha256,
    "PS256": hashlib.sha256,
    "ES256": hashlib.sha256,
    "RS384": hashlib.sha384,
    "PS384": hashlib.sha384,
    "ES384": hashlib.sha384,
    "RS512": hashlib.sha512,
    "PS512": hashlib.sha512,
    "ES512": hashlib.sha512,
    "EdDSA": hashlib.sha512,
}
ALGORITHMS = frozenset(DIGESTS)
LONGEST = 16 * 1024
SMALLEST_RSA_BITS = 2048  # RFC 7518, 3.3
LEEWAY_SECONDS = 30

Claims = Mapping[str, Any]


def verify(
    provider: Provider, token: str, *, keys_url: str, audiences: frozenset[str], nonce: str | None, now: datetime
) -> Claims:
    """Return the claims of a token that the provider made for us, now, and for this nonce.

    A nonce that the token has must be the expected one, and one that is expected must be there (3.1.3.7, point 11).

    Raises: SocialTokenInvalid, ProviderUnavailable.
    """
    algorithm, kid = _header(token)
    published = discovery.key(keys_url, kid=kid)
    if published is None:
        raise SocialTokenInvalid(reason="unknown_key")
    claims = _decoded(token, _key(published, algorithm), algorithm, issuer=provider.issuer, audiences=audiences)
    _check_times(claims, now=now)
    _check_audience(claims, audiences)
    _check_nonce(claims.get("nonce"), nonce)
    return claims


def check_access_token(claims: Claims, id_token: str, access_token: str) -> None:
    """See that an access token is the one that the ID token came with, where that says so (3.1.3.8).

    Raises: SocialTokenInvalid.
    """
    expected = claims.get("at_hash")
    if expected is None:
        return
    algorithm, _kid = _header(id_token)
    digest = DIGESTS[algorithm](access_token.encode(errors="replace")).digest()
    actual = base64url.encode(digest[: len(digest) // 2])
    if not isinstance(expected, str) or not _are_equal(expected, actual):
        raise SocialTokenInvalid(reason="foreign_access_token")


def signed_part(token: str) -> str:
    """Return what the signature covers: the same token can't be written in two ways that differ in it."""
    return token.rpartition(".")[0]


def _header(token: str) -> tuple[str, str]:
    if len(token) > LONGEST or not token.isascii():
        raise SocialTokenInvalid(reason="malformed")
    try:
        header = jwt.get_unverified_header(token)
    except (jwt.PyJWTError, ValueError, RecursionError):
        raise SocialTokenInvalid(reason="malformed") from None
    algorithm, kid, kind = header.get("alg"), header.get("kid"), header.get("typ", "JWT")
    if not isinstance(algorithm, str) or algorithm not in ALGORITHMS:
        raise SocialTokenInvalid(reason="algorithm")
    if not isinstance(kid, str) or not kid:
        raise SocialTokenInvalid(reason="no_kid")
    # An access token or a sign-out notice of the same issuer is no proof of a sign-in (RFC 8725, 3.11).
    if not isinstance(kind, str) or kind.upper() != "JWT" or "crit" in header:
        raise SocialTokenInvalid(reason="kind")
    return algorithm, kid


def _key(published: Mapping[str, Any], algorithm: str) -> Any:
    if published.get("use", "sig") != "sig" or published.get("alg", algorithm) != algorithm:
        raise SocialTokenInvalid(reason="key_of_other_use")
    try:
        key = jwt.PyJWK(dict(published), algorithm=algorithm).key
    except (jwt.PyJWTError, ValueError, TypeError, KeyError, AttributeError):
        raise SocialTokenInvalid(reason="unusable_key") from None
    if isinstance(key, RSAPublicKey) and key.key_size < SMALLEST_RSA_BITS:
        raise SocialTokenInvalid(reason="weak_key")
    return key


def _decoded(token: str, key: Any, algorithm: str, *, issuer: str, audiences: frozenset[str]) -> Claims:
    # The times are looked at below, by the moment that was passed in.
    try:
        claims: Claims = jwt.decode(
            token,
            key,
            algorithms=[algorithm],
            issuer=issuer,
            audience=list(audiences),
            options={
                "require": ["iss", "sub", "aud", "exp", "iat"],
                "verify_exp": False,
                "verify_iat": False,
                "verify_nbf": False,
            },
        )
    except jwt.InvalidIssuerError:
        raise SocialTokenInvalid(reason="foreign_issuer") from None
    except jwt.InvalidAudienceError:
        raise SocialTokenInvalid(reason="foreign_audience") from None
    except jwt.MissingRequiredClaimError:
        raise SocialTokenInvalid(reason="missing_claim") from None
    except (jwt.PyJWTError, ValueError, TypeError, RecursionError):
        raise SocialTokenInvalid(reason="signature") from None
    return claims


def _check_times(claims: Claims, *, now: datetime) -> None:
    at = now.timestamp()
    expires, issued, begins = claims["exp"], claims["iat"], claims.get("nbf", claims["iat"])
    if not all(isinstance(each, (int, float)) and not isinstance(each, bool) for each in (expires, issued, begins)):
        raise SocialTokenInvalid(reason="malformed_times")
    if not expires > at - LEEWAY_SECONDS:
        raise SocialTokenInvalid(reason="expired")
    if not (issued <= at + LEEWAY_SECONDS and begins <= at + LEEWAY_SECONDS):
        raise SocialTokenInvalid(reason="from_the_future")


def _check_audience(claims: Claims, audiences: frozenset[str]) -> None:
    audience, party = claims["aud"], claims.get("azp")
    named = [audience] if isinstance(audience, str) else audience
    if not set(named) <= audiences:
        raise SocialTokenInvalid(reason="foreign_audience")  # point 3: others that we do not trust
    if len(named) > 1 and party is None:
        raise SocialTokenInvalid(reason="no_authorized_party")  # point 4
    if party is not None and party not in audiences:
        raise SocialTokenInvalid(reason="foreign_party")  # point 5


def _check_nonce(found: Any, expected: str | None) -> None:
    if found is None and expected is None:
        return
    if not isinstance(found, str) or expected is None or not _are_equal(found, expected):
        raise SocialTokenInvalid(reason="nonce")


def _are_equal(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(errors="replace"), other.encode(errors="replace"))
