"""The authorization request: the address of a provider's sign-in page, and the secrets that tie the answer to it."""

import secrets
from dataclasses import dataclass, field

from accounts.providers import discovery, facebook, oauth_client
from accounts.providers.registry import Provider

_BYTES = 32


@dataclass(frozen=True, slots=True)
class AuthorizationSecrets:
    """What ties a provider's answer to the request: made anew for each request, and kept on the server."""

    nonce: str = field(default_factory=lambda: secrets.token_urlsafe(_BYTES), repr=False)
    code_verifier: str = field(default_factory=lambda: secrets.token_urlsafe(_BYTES), repr=False)


def build_url(
    provider: Provider, *, redirect_uri: str, state: str, made: AuthorizationSecrets, is_fresh: bool = False
) -> str:
    """Return the address of the provider's sign-in page, with PKCE and a nonce (RFC 9700, 2.1.1).

    ``is_fresh`` asks the provider to authenticate the person again (OpenID Connect Core, 3.1.2.1).

    Raises: ProviderUnavailable.
    """
    if provider.is_facebook:
        endpoint, fresh = facebook.AUTHORIZATION_URL, {"auth_type": "reauthenticate"}
    else:
        endpoint, fresh = discovery.metadata(provider)["authorization_endpoint"], {"prompt": "login", "max_age": "0"}
    return oauth_client.authorization_url(
        endpoint,
        provider,
        redirect_uri=redirect_uri,
        state=state,
        nonce=made.nonce,
        code_verifier=made.code_verifier,
        parameters=fresh if is_fresh else {},
    )
