"""Turn a code or a token of Facebook into an identity. Facebook's OAuth is not OpenID Connect."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from allauth.socialaccount.models import SocialApp, SocialToken
from allauth.socialaccount.providers.facebook import flows
from allauth.socialaccount.providers.facebook.constants import GRAPH_API_URL
from allauth.socialaccount.providers.facebook.provider import FacebookProvider
from allauth.socialaccount.providers.facebook.views import FacebookOAuth2Adapter

from accounts.errors import SocialTokenInvalid
from accounts.providers import id_tokens, oauth_client, openid, transport
from accounts.providers.identity import ProviderIdentity, ProviderTokens, clean_email, clean_name, clean_subject
from accounts.providers.registry import Provider

AUTHORIZATION_URL: str = FacebookOAuth2Adapter.provider_default_auth_url
_FIELDS = "id,name,first_name,last_name,email"
_KEYS_PATH = "/.well-known/oauth/openid/jwks/"
# How long a token without expiry is remembered: longer than Facebook lets any token live.
_REMEMBERED = timedelta(days=90)


def identity_from_code(
    provider: Provider, *, code: str, redirect_uri: str, code_verifier: str, now: datetime
) -> ProviderIdentity:
    """Exchange a code and return the identity of the person who was sent to Facebook.

    Raises: SocialTokenInvalid, ProviderUnavailable.
    """
    answer = oauth_client.fetch_tokens(
        f"{_graph(provider)}/oauth/access_token",
        provider,
        code=code,
        redirect_uri=redirect_uri,
        code_verifier=code_verifier,
    )
    access_token = _text(answer.get("access_token"))
    user_id, expires_at = _inspect(provider, access_token, now=now)
    tokens = ProviderTokens(access_token=access_token, expires_at=expires_at) if provider.store_tokens else None
    return _person(provider, access_token, user_id=user_id, tokens=tokens)


def identity_from_access_token(
    provider: Provider, *, access_token: str, now: datetime
) -> tuple[ProviderIdentity, datetime]:
    """Return the identity behind an access token that one of our applications received, and until when to remember it.

    Raises: SocialTokenInvalid, ProviderUnavailable.
    """
    user_id, expires_at = _inspect(provider, access_token, now=now)
    return _person(provider, access_token, user_id=user_id), expires_at or now + _REMEMBERED


def identity_from_id_token(
    provider: Provider, *, id_token: str, nonce: str | None, now: datetime
) -> tuple[ProviderIdentity, datetime]:
    """Return the identity in an ID token of Limited Login, and when the token expires.

    Raises: SocialTokenInvalid, ProviderUnavailable.
    """
    keys_url = f"{provider.graph_url}{_KEYS_PATH}" if provider.graph_url else FacebookProvider.limited_login_jwks_url
    claims = id_tokens.verify(provider, id_token, keys_url=keys_url, audiences=provider.audiences, nonce=nonce, now=now)
    fields = {
        field: claims[claim] for claim, field in flows.JWT_FIELD_TO_GRAPH_API_FIELD_MAP.items() if claim in claims
    }
    return _identity(provider, fields), openid.expiry(claims["exp"], now=now)


def _graph(provider: Provider) -> str:
    return provider.graph_url or str(GRAPH_API_URL)


def _inspect(provider: Provider, access_token: str, *, now: datetime) -> tuple[str, datetime | None]:
    """Return the user of a token and its expiry, if it is valid and for one of our applications."""
    answer = transport.get_json(
        f"{_graph(provider)}/debug_token",
        # The id and the secret of an application serve as its access token, which saves the call that fetches one.
        params={"input_token": access_token, "access_token": f"{provider.client_id}|{provider.secret}"},
    )
    data = answer.get("data")
    if not isinstance(data, dict) or data.get("is_valid") is not True:
        raise SocialTokenInvalid(reason="not_valid")
    if str(data.get("app_id")) not in provider.audiences:
        raise SocialTokenInvalid(reason="foreign_audience")
    expires = data.get("expires_at")
    if not isinstance(expires, int) or isinstance(expires, bool):
        expires = 0
    if expires and expires <= now.timestamp():
        raise SocialTokenInvalid(reason="expired")
    return clean_subject(data.get("user_id")), openid.expiry(expires, now=now) if expires else None


def _person(
    provider: Provider, access_token: str, *, user_id: str, tokens: ProviderTokens | None = None
) -> ProviderIdentity:
    app = SocialApp(provider="facebook", client_id=provider.client_id, secret=provider.secret)
    proof = flows.compute_appsecret_proof(app, SocialToken(token=access_token))
    fields = transport.get_json(
        f"{_graph(provider)}/me",
        params={"fields": _FIELDS, "access_token": access_token, "appsecret_proof": proof},
    )
    if fields.get("id") != user_id:
        raise SocialTokenInvalid(reason="foreign_userinfo")
    return _identity(provider, fields, tokens=tokens)


def _identity(
    provider: Provider, fields: Mapping[str, Any], *, tokens: ProviderTokens | None = None
) -> ProviderIdentity:
    return ProviderIdentity(
        provider=provider.id,
        uid=clean_subject(fields.get("id")),
        email=clean_email(fields.get("email")),
        is_email_verified=False,  # Facebook does not say
        name=clean_name(fields.get("name")),
        tokens=tokens,
    )


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise SocialTokenInvalid(reason="unreadable_answer")
    return value
