"""Sign what a lineage entitles to. Nothing is stored here, so a reply that was lost can be given again."""

from tokens import secrets
from tokens.codec import AccessToken
from tokens.conf import token_settings
from tokens.keyring import NoSigningKey
from tokens.services import keys
from tokens.types import TokenGrant, TokenPair


def sign_pair(lineage: TokenGrant, *, refresh_token: str) -> TokenPair:
    """Return the pair of a lineage: a fresh access token beside its present refresh token.

    To be called after the commit, so that a process killed in between leaves a state from which a retry succeeds.
    """
    lifetime = min(secrets.jittered(token_settings.ACCESS_TTL), lineage.expires_at - lineage.now)
    user = lineage.user
    access = AccessToken.issue(
        lineage, lifetime=lifetime, roles=token_settings.ROLES(user), tier=token_settings.TIER(user)
    )
    try:
        signed = str(access)
    except NoSigningKey:
        keys.ensure_first(now=lineage.now)
        signed = str(access)
    return TokenPair(
        access_token=signed,
        refresh_token=refresh_token,
        expires_in=int(lifetime.total_seconds()),
        refresh_expires_in=int((lineage.expires_at - lineage.now).total_seconds()),
        session_id=lineage.session_id,
    )
