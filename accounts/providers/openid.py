"""Turn a code or an ID token of an OpenID provider into an identity. Google and Microsoft are such providers, too."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from accounts.errors import SocialTokenInvalid
from accounts.providers import discovery, id_tokens, oauth_client, transport
from accounts.providers.identity import (
    ProviderIdentity,
    ProviderTokens,
    clean_email,
    clean_name,
    clean_subject,
    is_true,
)
from accounts.providers.registry import Provider

MICROSOFT = "microsoft"
# Microsoft says by this claim that the tenant owns the domain of the address. Its `email` claim alone is what an
# administrator of some tenant has typed.
_MICROSOFT_VERIFIED = "xms_edov"
_MAX_EXPIRY = timedelta(days=366)


def identity_from_code(
    provider: Provider, *, code: str, redirect_uri: str, code_verifier: str, nonce: str, now: datetime
) -> ProviderIdentity:
    """Exchange a code and return the identity of the person who was sent to the provider.

    Raises: SocialTokenInvalid, ProviderUnavailable.
    """
    metadata = discovery.metadata(provider)
    answer = oauth_client.fetch_tokens(
        metadata["token_endpoint"],
        provider,
        code=code,
        redirect_uri=redirect_uri,
        code_verifier=code_verifier,
        supported_auth_methods=metadata.get("token_endpoint_auth_methods_supported"),
    )
    id_token, access_token = answer.get("id_token"), answer.get("access_token")
    if not isinstance(id_token, str) or not isinstance(access_token, str):
        raise SocialTokenInvalid(reason="no_id_token")
    claims = id_tokens.verify(
        provider,
        id_token,
        keys_url=metadata["jwks_uri"],
        nonce=nonce,
        now=now,
        audiences=frozenset({provider.client_id}),
        access_token=access_token,
    )
    tokens = _tokens(answer, now=now) if provider.store_tokens else None
    return _identity(provider, metadata, claims, access_token=access_token, tokens=tokens)


def identity_from_token(
    provider: Provider, *, id_token: str, access_token: str | None, nonce: str | None, now: datetime
) -> tuple[ProviderIdentity, datetime]:
    """Return the identity in an ID token that one of our applications received, and when the token expires.

    Raises: SocialTokenInvalid, ProviderUnavailable.
    """
    metadata = discovery.metadata(provider)
    claims = id_tokens.verify(
        provider,
        id_token,
        keys_url=metadata["jwks_uri"],
        nonce=nonce,
        now=now,
        audiences=provider.audiences,
        access_token=access_token or None,
    )
    return _identity(provider, metadata, claims, access_token=access_token), expiry(claims["exp"], now=now)


def expiry(seconds: float, *, now: datetime) -> datetime:
    """Return the moment of a NumericDate, at most a year ahead."""
    latest = now + _MAX_EXPIRY
    return latest if seconds >= latest.timestamp() else datetime.fromtimestamp(max(seconds, 0), UTC)


def _identity(
    provider: Provider,
    metadata: Mapping[str, Any],
    claims: Mapping[str, Any],
    *,
    access_token: str | None,
    tokens: ProviderTokens | None = None,
) -> ProviderIdentity:
    subject = clean_subject(claims["sub"])
    profile = claims
    endpoint = metadata.get("userinfo_endpoint")
    if claims.get("email") is None and access_token and endpoint:
        authorization = f"Bearer {_header_value(access_token)}"
        profile = transport.get_json(endpoint, headers={"Authorization": authorization})
        if profile.get("sub") != subject:
            raise SocialTokenInvalid(reason="foreign_userinfo")  # OpenID Connect Core, 5.3.2
    names = (clean_name(profile.get("given_name")), clean_name(profile.get("family_name")))
    return ProviderIdentity(
        provider=provider.id,
        uid=subject,
        email=clean_email(profile.get("email")),
        is_email_verified=_says_verified(provider, profile),
        name=clean_name(profile.get("name")) or clean_name(" ".join(names)),
        nickname=clean_name(profile.get("preferred_username")),
        tokens=tokens,
        authenticated_at=_authentication_time(claims),
    )


def _says_verified(provider: Provider, profile: Mapping[str, Any]) -> bool:
    if provider.kind == MICROSOFT:
        return is_true(profile.get(_MICROSOFT_VERIFIED)) or profile.get(_MICROSOFT_VERIFIED) in (1, "1")
    return is_true(profile.get("email_verified"))


def _authentication_time(claims: Mapping[str, Any]) -> datetime | None:
    moment = claims.get("auth_time")
    if not isinstance(moment, (int, float)) or isinstance(moment, bool) or not 0 <= moment < 2**40:
        return None
    return datetime.fromtimestamp(moment, UTC)


def _tokens(answer: Mapping[str, Any], *, now: datetime) -> ProviderTokens:
    lifetime, refresh = answer.get("expires_in"), answer.get("refresh_token")
    is_limited = isinstance(lifetime, int) and not isinstance(lifetime, bool) and lifetime > 0
    return ProviderTokens(
        access_token=answer["access_token"],
        refresh_token=refresh if isinstance(refresh, str) else None,
        expires_at=expiry(now.timestamp() + lifetime, now=now) if is_limited and lifetime is not None else None,
    )


def _header_value(token: str) -> str:
    if not token.isascii() or not token.isprintable() or " " in token:
        raise SocialTokenInvalid(reason="malformed")
    return token
