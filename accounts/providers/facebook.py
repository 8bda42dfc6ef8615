"""From a code or a token of Facebook, which speaks OAuth of its own kind, to who somebody is."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from allauth.socialaccount.models import SocialApp, SocialToken
from allauth.socialaccount.providers.facebook import flows
from allauth.socialaccount.providers.facebook.constants import GRAPH_API_URL
from allauth.socialaccount.providers.facebook.provider import FacebookProvider
from allauth.socialaccount.providers.facebook.views import FacebookOAuth2Adapter
from allauth.socialaccount.providers.oauth2.client import OAuth2Client
from django.http import HttpRequest  # noqa: TID251 - allauth's classes want one; it carries nothing

from accounts.errors import SocialTokenInvalid
from accounts.providers import id_tokens, openid, transport
from accounts.providers.identity import ProviderIdentity, ProviderTokens, plain_email, plain_name, plain_uid
from accounts.providers.registry import Provider

AUTHORIZATION_URL: str = FacebookOAuth2Adapter.provider_default_auth_url
_FIELDS = "id,name,first_name,last_name,email"
_KEYS_PATH = "/.well-known/oauth/openid/jwks/"
# A token that never expires is remembered for longer than Facebook lets any live.
_REMEMBERED = timedelta(days=90)


def identity_from_code(
    provider: Provider, *, code: str, redirect_uri: str, code_verifier: str, now: datetime
) -> ProviderIdentity:
    """Exchange a code and return whom it stands for.

    Raises: SocialTokenInvalid, ProviderUnavailable.
    """
    # By POST: with the GET that allauth makes here, the code verifier would be left out.
    client = OAuth2Client(
        HttpRequest(),
        provider.client_id,
        provider.secret,
        "POST",
        f"{_graph(provider)}/oauth/access_token",
        redirect_uri,
        scope_delimiter=",",
    )
    answer = openid.exchange(client, code, code_verifier)
    access_token = _text(answer.get("access_token"))
    user_id, expires_at = _inspect(provider, access_token, now=now)
    tokens = ProviderTokens(access_token=access_token, expires_at=expires_at) if provider.store_tokens else None
    return _person(provider, access_token, user_id=user_id, tokens=tokens)


def identity_from_access_token(
    provider: Provider, *, access_token: str, now: datetime
) -> tuple[ProviderIdentity, datetime]:
    """Return whom an access token stands for that an application of ours got, and until when it is remembered.

    Raises: SocialTokenInvalid, ProviderUnavailable.
    """
    user_id, expires_at = _inspect(provider, access_token, now=now)
    return _person(provider, access_token, user_id=user_id), expires_at or now + _REMEMBERED


def identity_from_id_token(
    provider: Provider, *, id_token: str, nonce: str | None, now: datetime
) -> tuple[ProviderIdentity, datetime]:
    """Return whom an ID token of Limited Login stands for, and when it expires.

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
    """Return whose token it is, if it is for one of our applications and lives."""
    answer = transport.get_json(
        f"{_graph(provider)}/debug_token",
        # An application's id and secret are its own access token; fetching another one takes a call more.
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
    return plain_uid(data.get("user_id")), openid.expiry(expires, now=now) if expires else None


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
    app = SocialApp(provider="facebook", client_id=provider.client_id)
    known = FacebookProvider(HttpRequest(), app=app).extract_common_fields(fields)
    return ProviderIdentity(
        provider=provider.id,
        uid=plain_uid(fields.get("id")),
        email=plain_email(known.get("email")),
        is_email_verified=False,  # Facebook doesn't say
        name=plain_name(known.get("name")),
        tokens=tokens,
    )


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise SocialTokenInvalid(reason="unreadable_answer")
    return value
