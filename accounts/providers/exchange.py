"""Turn a code or tokens that a client presents into an identity, whatever the kind of the provider.

The libraries for providers are imported when a provider is called: an installation without any saves 6 MiB.
"""

from datetime import datetime
from hashlib import sha256

from accounts.providers.identity import ProviderIdentity
from accounts.providers.registry import Provider
from accounts.providers.waiting import while_waiting


def from_code(
    provider: Provider, *, code: str, redirect_uri: str, code_verifier: str, nonce: str, now: datetime
) -> ProviderIdentity:
    """Exchange a code for an identity. No transaction may be open, because the provider may be slow.

    Raises: SocialTokenInvalid, ProviderUnavailable.
    """
    from accounts.providers import facebook, openid  # noqa: PLC0415 - see the module

    with while_waiting():
        if provider.is_facebook:
            return facebook.identity_from_code(
                provider, code=code, redirect_uri=redirect_uri, code_verifier=code_verifier, now=now
            )
        return openid.identity_from_code(
            provider, code=code, redirect_uri=redirect_uri, code_verifier=code_verifier, nonce=nonce, now=now
        )


def from_tokens(
    provider: Provider, *, id_token: str | None, access_token: str | None, nonce: str | None, now: datetime
) -> tuple[ProviderIdentity, datetime]:
    """Return the identity in tokens that a native application received, and when the verified token expires.

    Raises: SocialTokenInvalid, ProviderUnavailable.
    """
    from accounts.providers import facebook, openid  # noqa: PLC0415 - see the module

    with while_waiting():
        if id_token is None:
            if not provider.is_facebook or access_token is None:
                raise ValueError("An access token of OpenID Connect does not say which client it is for.")
            return facebook.identity_from_access_token(provider, access_token=access_token, now=now)
        if provider.is_facebook:
            return facebook.identity_from_id_token(provider, id_token=id_token, nonce=nonce, now=now)
        return openid.identity_from_token(provider, id_token=id_token, access_token=access_token, nonce=nonce, now=now)


def presentation_digest(provider: Provider, token: str, *, is_id_token: bool) -> bytes:
    """Return the digest by which a presented token is remembered, the same for each encoding of its signature."""
    from accounts.providers import id_tokens  # noqa: PLC0415 - see the module

    text = id_tokens.signed_part(token) if is_id_token else token
    return sha256(f"{provider.issuer}\n{text}".encode(errors="replace")).digest()
