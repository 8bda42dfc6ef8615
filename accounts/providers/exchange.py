"""From what a client brings to who somebody is at a provider."""

from datetime import datetime
from hashlib import sha256

from accounts.providers import facebook, id_tokens, openid
from accounts.providers.identity import ProviderIdentity
from accounts.providers.registry import Provider
from accounts.providers.transport import while_waiting


def from_code(
    provider: Provider, *, code: str, redirect_uri: str, code_verifier: str, nonce: str, now: datetime
) -> ProviderIdentity:
    """Return whom a code stands for. No transaction may be open: the provider takes its time.

    Raises: SocialTokenInvalid, ProviderUnavailable.
    """
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
    """Return whom tokens stand for that a native application got, and when the one that counts expires.

    Raises: SocialTokenInvalid, ProviderUnavailable.
    """
    with while_waiting():
        if id_token is None:
            if not provider.is_facebook or access_token is None:
                raise ValueError("Whom an access token of OpenID Connect is for can't be told.")
            return facebook.identity_from_access_token(provider, access_token=access_token, now=now)
        if provider.is_facebook:
            return facebook.identity_from_id_token(provider, id_token=id_token, nonce=nonce, now=now)
        return openid.identity_from_token(provider, id_token=id_token, access_token=access_token, nonce=nonce, now=now)


def presentation_digest(provider: Provider, token: str, *, is_id_token: bool) -> bytes:
    """Return what a presented token is remembered by, however its signature is written."""
    text = id_tokens.signed_part(token) if is_id_token else token
    return sha256(f"{provider.issuer}\n{text}".encode(errors="replace")).digest()
