"""Say what a token is good for (RFC 7662)."""

from datetime import datetime
from typing import Any

from django.db import connection

from tokens import secrets
from tokens.codec import decode_access_token
from tokens.conf import token_settings
from tokens.errors import TokenError
from tokens.services import verification
from tokens.types import RefreshClaims

INACTIVE: dict[str, Any] = {"active": False}

_READ_REFRESH = """
SELECT f.user_id, f.session_id, f.rotated_at, f.expires_at
FROM tokens_tokenfamily f JOIN tokens_session s ON s.id = f.session_id LEFT JOIN tokens_refreshkeyepoch e ON TRUE
WHERE f.family_id = %(family_id)s AND f.token_hash = %(digest)s AND NOT f.is_revoked AND s.ended_at IS NULL
  AND f.expires_at > COALESCE(%(now)s::timestamptz, statement_timestamp())
  AND %(key_epoch)s >= COALESCE(e.minimum, 0)
"""


def introspect(*, token: str, asker: Any, now: datetime | None = None) -> dict[str, Any]:
    """Return the claims of a living token, or that it is not active (RFC 7662, 2.2).

    People may ask about their own tokens; about anybody's only who may ``tokens:introspect``. Whatever can't be told is
    inactive, so that nothing is learnt from the difference (RFC 7662, 4).

    An access token that is found active has arrived where it was issued to: that confirms its generation, as its use
    here would, but does not keep the session from idling out. A refresh token is confirmed by nothing but its exchange.
    """
    refresh = secrets.parse_refresh_token(token)
    if refresh is not None:
        claims = _refresh_claims(refresh, now=now)
        return claims if claims and _may_know(asker, claims["sub"]) else INACTIVE
    try:
        found = verification.authenticate_claims(claims=decode_access_token(token), is_use=False, now=now)
    except TokenError:
        return INACTIVE
    if not _may_know(asker, str(found.principal.user_id)):
        return INACTIVE
    if not found.is_confirmed:
        verification.confirm_generation(principal=found.principal)
    return _access_claims(found)


def _may_know(asker: Any, subject: str) -> bool:
    return subject == str(asker.pk) or token_settings.MAY(asker, "tokens:introspect")


def _access_claims(found: verification.AuthenticationResult) -> dict[str, Any]:
    principal = found.principal
    return {
        "active": True,
        "token_type": "Bearer",
        "iss": token_settings.ISSUER,
        "aud": token_settings.AUDIENCE,
        "sub": str(principal.user_id),
        "username": found.user.get_username(),
        "exp": _seconds(principal.expires_at),
        "iat": _seconds(principal.issued_at),
        "auth_time": _seconds(principal.authenticated_at),
        "jti": principal.jti,
        "sid": str(principal.session_id),
        "family_id": str(principal.family_id),
        "amr": list(principal.amr),
        "roles": token_settings.ROLES(found.user),
    }


def _refresh_claims(claims: RefreshClaims, *, now: datetime | None) -> dict[str, Any] | None:
    with connection.cursor() as cursor:
        cursor.execute(
            _READ_REFRESH,
            {"family_id": claims.family_id, "digest": claims.digest, "key_epoch": claims.key_epoch, "now": now},
        )
        row = cursor.fetchone()
    if row is None:
        return None
    user_id, session_id, rotated_at, expires_at = row
    return {
        "active": True,
        "token_type": "refresh_token",
        "iss": token_settings.ISSUER,
        "sub": str(user_id),
        "exp": _seconds(expires_at),
        "iat": _seconds(rotated_at),
        "sid": str(session_id),
        "family_id": str(claims.family_id),
    }


def _seconds(moment: datetime) -> int:
    return int(moment.timestamp())
