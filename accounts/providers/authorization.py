"""The authorization request: the address of a provider's sign-in page, and the secrets that tie the answer to it.

The libraries for providers are imported when a provider is called: an installation without any saves 6 MiB.
"""

import secrets
from dataclasses import dataclass, field

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
    from accounts.providers import discovery, facebook, oauth_client  # noqa: PLC0415 - see the module

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


def s256_challenge(verifier: str) -> str:
    """Return the S256 challenge of a code verifier (RFC 7636, 4.2)."""
    from authlib.oauth2.rfc7636 import create_s256_code_challenge  # noqa: PLC0415 - see the module

    return str(create_s256_code_challenge(verifier))
