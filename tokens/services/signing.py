"""Sign the tokens of a grant. Nothing is stored here, so the same grant can be signed again for a lost response."""

from tokens.access_tokens.codec import encode_access_token
from tokens.access_tokens.keyring import NoSigningKey
from tokens.conf import token_settings
from tokens.refresh_tokens import secrets
from tokens.services import keys
from tokens.types import TokenGrant, TokenPair


def sign_pair(grant: TokenGrant, *, refresh_token: str) -> TokenPair:
    """Return a new access token together with the family's current refresh token.

    Call this after the commit: if the process is killed in between, the client's retry succeeds.
    """
    lifetime = min(secrets.jittered(token_settings.ACCESS_TTL), grant.expires_at - grant.now)
    roles, tier = token_settings.ROLES(grant.user), token_settings.TIER(grant.user)
    try:
        signed = encode_access_token(grant, lifetime=lifetime, roles=roles, tier=tier)
    except NoSigningKey:
        keys.ensure_first(now=grant.now)
        signed = encode_access_token(grant, lifetime=lifetime, roles=roles, tier=tier)
    return TokenPair(
        access_token=signed,
        refresh_token=refresh_token,
        expires_in=int(lifetime.total_seconds()),
        refresh_expires_in=int((grant.expires_at - grant.now).total_seconds()),
        session_id=grant.session_id,
    )
