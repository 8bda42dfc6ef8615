"""The OAuth 2.0 client towards a provider, by Authlib: authorization requests and the exchange of codes."""

from collections.abc import Mapping
from typing import Any

import requests
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.requests_client import OAuth2Session
from authlib.oauth2.client import OAuth2Client

from accounts.errors import SocialTokenInvalid
from accounts.providers.registry import Provider
from accounts.providers.transport import BoundedSession

SECRET_BASIC, SECRET_POST, NO_SECRET = "client_secret_basic", "client_secret_post", "none"


class _Client(OAuth2Client):  # type: ignore[misc]  # Authlib has no type hints
    """Authlib's client on a session of ``requests``, such as ours with its limits."""

    client_auth_class = OAuth2Session.client_auth_class


def authorization_url(
    endpoint: str,
    provider: Provider,
    *,
    redirect_uri: str,
    state: str,
    nonce: str,
    code_verifier: str,
    parameters: Mapping[str, str],
) -> str:
    """Return an authorization request with PKCE by S256 (RFC 7636) as an address to send a person to."""
    client = _Client(None, provider.client_id, redirect_uri=redirect_uri, code_challenge_method="S256")
    scope = ("," if provider.is_facebook else " ").join(provider.scopes)
    url, _state = client.create_authorization_url(
        endpoint, state=state, nonce=nonce, code_verifier=code_verifier, scope=scope, **parameters
    )
    return str(url)


def fetch_tokens(
    endpoint: str,
    provider: Provider,
    *,
    code: str,
    redirect_uri: str,
    code_verifier: str,
    supported_auth_methods: Any = None,
) -> Mapping[str, Any]:
    """Exchange a code at the token endpoint; return its answer.

    Raises: SocialTokenInvalid, ProviderUnavailable.
    """
    method = _auth_method(provider, supported_auth_methods)
    with BoundedSession() as session:
        client = _Client(session, provider.client_id, provider.secret or None, token_endpoint_auth_method=method)
        try:
            answer = client.fetch_token(
                endpoint,
                grant_type="authorization_code",
                code=code,
                redirect_uri=redirect_uri,
                code_verifier=code_verifier,
            )
        except (AuthlibBaseError, requests.RequestException, ValueError, KeyError, TypeError, RecursionError):
            # Without its cause, whose message holds what the provider sent.
            raise SocialTokenInvalid(reason="code_refused") from None
    if "access_token" not in answer:
        raise SocialTokenInvalid(reason="code_refused")
    tokens: Mapping[str, Any] = answer
    return tokens


def _auth_method(provider: Provider, supported: Any) -> str:
    """Return how the client authenticates. The body is preferred: a colon in a client id breaks HTTP Basic."""
    if not provider.secret:
        return NO_SECRET
    methods = supported if isinstance(supported, list) else []
    return SECRET_BASIC if SECRET_BASIC in methods and SECRET_POST not in methods else SECRET_POST
