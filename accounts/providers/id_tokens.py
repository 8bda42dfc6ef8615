"""Verify an ID token (OpenID Connect Core, 3.1.3.7): the signature by joserfc, the claims by Authlib.

Authlib checks ``iss``, ``sub``, ``exp``, ``iat``, ``nbf``, ``nonce``, ``at_hash``, and the types of the claims. It
accepts a token that is also for an audience that we do not trust, knows one client id only, and ignores a nonce that
nobody expects; these checks are ours.
"""

import copy
import hmac
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, TypeVar

from authlib.oidc.core import CodeIDToken
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from joserfc import jws, jwt
from joserfc.errors import ClaimError, ExpiredTokenError, JoseError, MissingClaimError, SecurityWarning
from joserfc.jwk import JWKRegistry, Key
from joserfc.jws import CompactSignature, JWSRegistry

from accounts.errors import SocialTokenInvalid
from accounts.providers import discovery
from accounts.providers.registry import Provider

# Public keys only: anybody can compute a MAC with a published key (RFC 8725, 2.1 and 3.1).
ALGORITHMS = frozenset({"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"})
MAX_LENGTH = 16 * 1024
MIN_RSA_BITS = 2048  # RFC 7518, 3.3
LEEWAY_SECONDS = 30

Claims = Mapping[str, Any]
T = TypeVar("T")

_REASONS = {
    "iss": "foreign_issuer",
    "aud": "foreign_audience",
    "exp": "malformed_times",
    "iat": "from_the_future",
    "nbf": "from_the_future",
    "nonce": "nonce",
    "at_hash": "foreign_access_token",
}
# Whatever joserfc and Authlib raise on the bytes of a stranger.
_PARSER_ERRORS = (JoseError, ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError)


def _eddsa_without_warning() -> Any:
    model = copy.copy(JWSRegistry.algorithms["EdDSA"])
    model.security_warning = None
    return model


class _IdTokenRegistry(JWSRegistry):
    """joserfc's rules for headers, with room for certificates, and with unknown members ignored (RFC 7515, 4)."""

    max_header_length = MAX_LENGTH
    # RFC 9864 renames EdDSA, and joserfc warns of the old name at each token. Providers go on using it.
    algorithms = {**JWSRegistry.algorithms, "EdDSA": _eddsa_without_warning()}


_REGISTRY = _IdTokenRegistry(algorithms=sorted(ALGORITHMS), strict_check_header=False)


def verify(
    provider: Provider,
    token: str,
    *,
    keys_url: str,
    audiences: frozenset[str],
    nonce: str | None,
    now: datetime,
    access_token: str | None = None,
) -> Claims:
    """Return the claims of a token that the provider made for us, that is valid now, and that has this nonce.

    A nonce in the token must be the expected one, and an expected one must be in the token (point 11). ``access_token``
    must be the one that the token was issued with, if the token has its hash (3.1.3.8).

    Raises: SocialTokenInvalid, ProviderUnavailable.
    """
    if len(token) > MAX_LENGTH or not token.isascii():
        raise SocialTokenInvalid(reason="malformed")
    unverified = _refusing("malformed", lambda: jws.extract_compact(token.encode(), registry=_REGISTRY))
    key = _key(unverified, keys_url)
    decoded = _refusing("signature", lambda: jwt.decode(token, key, registry=_REGISTRY))
    claims = CodeIDToken(
        decoded.claims,
        decoded.header,
        options={
            "iss": {"essential": True, "value": provider.issuer},
            "aud": {"essential": True, "values": sorted(audiences)},
        },
        params={"nonce": nonce, "access_token": access_token},
    )
    _check_claims(claims, now=now)
    verified: Claims = claims
    _check_audience(verified, audiences)
    _check_nonce(verified.get("nonce"), nonce)
    return verified


def signed_part(token: str) -> str:
    """Return what the signature covers. The signature itself can be written in more than one way."""
    return token.rpartition(".")[0]


def _refusing(reason: str, parse: Callable[[], T]) -> T:
    try:
        return parse()
    except _PARSER_ERRORS:
        raise SocialTokenInvalid(reason=reason) from None


def _key(unverified: CompactSignature, keys_url: str) -> Key:
    header = unverified.headers()
    algorithm, kid, kind = header.get("alg"), header.get("kid"), header.get("typ", "JWT")
    if not isinstance(algorithm, str) or algorithm not in ALGORITHMS:
        raise SocialTokenInvalid(reason="algorithm")
    if not isinstance(kid, str) or not kid:
        raise SocialTokenInvalid(reason="no_kid")
    # An access token or a logout token of the same issuer proves no sign-in (RFC 8725, 3.11).
    if not isinstance(kind, str) or kind.upper() != "JWT" or "crit" in header:
        raise SocialTokenInvalid(reason="kind")
    published = discovery.key(keys_url, kid=kid)
    if published is None:
        raise SocialTokenInvalid(reason="unknown_key")
    if published.get("use", "sig") != "sig" or published.get("alg", algorithm) != algorithm:
        raise SocialTokenInvalid(reason="key_of_other_use")
    return _imported(published)


def _imported(published: Mapping[str, Any]) -> Key:
    try:
        key = JWKRegistry.import_key(dict(published))
    except SecurityWarning:  # where warnings are errors
        raise SocialTokenInvalid(reason="weak_key") from None
    except _PARSER_ERRORS:
        raise SocialTokenInvalid(reason="unusable_key") from None
    if isinstance(key.raw_value, RSAPublicKey) and key.raw_value.key_size < MIN_RSA_BITS:
        raise SocialTokenInvalid(reason="weak_key")
    return key


def _check_claims(claims: CodeIDToken, *, now: datetime) -> None:
    try:
        claims.validate(now=now.timestamp(), leeway=LEEWAY_SECONDS)
    except ExpiredTokenError:
        raise SocialTokenInvalid(reason="expired") from None
    except MissingClaimError as error:
        raise SocialTokenInvalid(reason="nonce" if error.claim == "nonce" else "missing_claim") from None
    except ClaimError as error:
        raise SocialTokenInvalid(reason=_REASONS.get(error.claim, "malformed_claim")) from None
    except _PARSER_ERRORS:
        raise SocialTokenInvalid(reason="malformed_claim") from None


def _check_audience(claims: Claims, audiences: frozenset[str]) -> None:
    audience, party = claims["aud"], claims.get("azp")
    named = [audience] if isinstance(audience, str) else audience
    if not set(named) <= audiences:
        raise SocialTokenInvalid(reason="foreign_audience")  # point 3: another audience that we do not trust
    if len(named) > 1 and party is None:
        raise SocialTokenInvalid(reason="no_authorized_party")  # point 4
    if party is not None and not (isinstance(party, str) and party in audiences):
        raise SocialTokenInvalid(reason="foreign_party")  # point 5


def _check_nonce(found: Any, expected: str | None) -> None:
    if found is None and expected is None:
        return
    if not isinstance(found, str) or expected is None:
        raise SocialTokenInvalid(reason="nonce")
    if not hmac.compare_digest(found.encode(errors="replace"), expected.encode(errors="replace")):
        raise SocialTokenInvalid(reason="nonce")
