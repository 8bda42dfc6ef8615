"""From a code or an ID token of an OpenID provider to who somebody is. Google and Microsoft are such providers too."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from allauth.socialaccount.models import SocialApp
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from allauth.socialaccount.providers.openid_connect.provider import OpenIDConnectProvider
from allauth.socialaccount.providers.openid_connect.views import OpenIDConnectOAuth2Adapter
from django.http import HttpRequest  # noqa: TID251 - allauth's classes want one; it carries nothing

from accounts.errors import SocialTokenInvalid
from accounts.providers import discovery, id_tokens, transport
from accounts.providers.identity import (
    ProviderIdentity,
    ProviderTokens,
    is_true,
    plain_email,
    plain_name,
    plain_uid,
)
from accounts.providers.registry import Provider

MICROSOFT = "microsoft"
# By these Microsoft says that the tenant owns the address's domain; its `email` alone is whatever an administrator of
# some tenant typed in.
_MICROSOFT_VERIFIED = "xms_edov"
_LONGEST_EXPIRY = 366 * 86_400


class _Adapter(OpenIDConnectOAuth2Adapter):  # type: ignore[misc]  # allauth brings no types
    """allauth's exchange, with what the issuer says taken from our cache."""

    def __init__(self, provider: Provider) -> None:
        app = SocialApp(
            provider="openid_connect",
            provider_id=provider.id,
            name=provider.name,
            client_id=provider.client_id,
            secret=provider.secret,
            settings={"server_url": provider.issuer},
        )
        request = HttpRequest()
        super().__init__(request, provider.id)
        self.app = app
        self.has_secret = bool(provider.secret)
        self._provider = OpenIDConnectProvider(request, app=app)
        self._openid_config = dict(discovery.metadata(provider))

    def get_provider(self) -> OpenIDConnectProvider:
        return self._provider

    def get_callback_url(self, request: HttpRequest, app: SocialApp) -> str:
        return ""  # set by the caller, from the list of the operator

    @property
    def basic_auth(self) -> bool:
        return self.has_secret and bool(super().basic_auth)


def identity_from_code(
    provider: Provider, *, code: str, redirect_uri: str, code_verifier: str, nonce: str, now: datetime
) -> ProviderIdentity:
    """Exchange a code and return whom it stands for.

    Raises: SocialTokenInvalid, ProviderUnavailable.
    """
    adapter = _Adapter(provider)
    client = adapter.get_client(adapter.request, adapter.app)
    client.callback_url = redirect_uri
    answer = exchange(client, code, code_verifier)
    id_token, access_token = answer.get("id_token"), answer.get("access_token")
    if not isinstance(id_token, str) or not isinstance(access_token, str):
        raise SocialTokenInvalid(reason="no_id_token")
    claims = id_tokens.verify(
        provider,
        id_token,
        keys_url=adapter.openid_config["jwks_uri"],
        nonce=nonce,
        now=now,
        audiences=frozenset({provider.client_id}),
    )
    id_tokens.check_access_token(claims, id_token, access_token)
    tokens = _tokens(answer, now=now) if provider.store_tokens else None
    return _identity(provider, adapter, claims, access_token=access_token, tokens=tokens)


def identity_from_token(
    provider: Provider, *, id_token: str, access_token: str | None, nonce: str | None, now: datetime
) -> tuple[ProviderIdentity, datetime]:
    """Return whom an ID token stands for that an application of ours got, and when it expires.

    Raises: SocialTokenInvalid, ProviderUnavailable.
    """
    adapter = _Adapter(provider)
    claims = id_tokens.verify(
        provider,
        id_token,
        keys_url=adapter.openid_config["jwks_uri"],
        nonce=nonce,
        now=now,
        audiences=provider.audiences,
    )
    if access_token:
        id_tokens.check_access_token(claims, id_token, access_token)
    return _identity(provider, adapter, claims, access_token=access_token), expiry(claims["exp"], now=now)


def expiry(seconds: float, *, now: datetime) -> datetime:
    """Return a moment that a provider names, no further away than a year."""
    latest = now + timedelta(seconds=_LONGEST_EXPIRY)
    return latest if seconds >= latest.timestamp() else datetime.fromtimestamp(max(seconds, 0), UTC)


def exchange(client: Any, code: str, code_verifier: str) -> Mapping[str, Any]:
    """Return what the token endpoint answers to a code.

    Raises: SocialTokenInvalid, ProviderUnavailable.
    """
    try:
        answer = client.get_access_token(code, pkce_code_verifier=code_verifier)
    except (OAuth2Error, ValueError, KeyError, TypeError, RecursionError):
        # Without its cause, whose words hold what the provider sent.
        raise SocialTokenInvalid(reason="code_refused") from None
    if not isinstance(answer, dict):
        raise SocialTokenInvalid(reason="unreadable_answer")
    return answer


def _identity(
    provider: Provider,
    adapter: _Adapter,
    claims: Mapping[str, Any],
    *,
    access_token: str | None,
    tokens: ProviderTokens | None = None,
) -> ProviderIdentity:
    uid = plain_uid(claims["sub"])
    told: Mapping[str, Any] = claims
    address = adapter.openid_config.get("userinfo_endpoint")
    if claims.get("email") is None and access_token and address:
        told = transport.get_json(address, headers={"Authorization": f"Bearer {_header_value(access_token)}"})
        if told.get("sub") != uid:
            raise SocialTokenInvalid(reason="foreign_userinfo")  # OpenID Connect Core, 5.3.2
    fields = adapter.get_provider().extract_common_fields({"userinfo": dict(told)})
    parts = (plain_name(fields.get("first_name")), plain_name(fields.get("last_name")))
    return ProviderIdentity(
        provider=provider.id,
        uid=uid,
        email=plain_email(fields.get("email")),
        is_email_verified=_says_verified(provider, told),
        name=plain_name(fields.get("name")) or plain_name(" ".join(parts)),
        nickname=plain_name(fields.get("username")),
        tokens=tokens,
        authenticated_at=_authentication_time(claims),
    )


def _says_verified(provider: Provider, told: Mapping[str, Any]) -> bool:
    if provider.kind == MICROSOFT:
        return is_true(told.get(_MICROSOFT_VERIFIED)) or told.get(_MICROSOFT_VERIFIED) in (1, "1")
    return is_true(told.get("email_verified"))


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
