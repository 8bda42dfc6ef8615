"""Introspect a token (RFC 7662)."""

from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection

from tokens.access_tokens.codec import decode_access_token
from tokens.conf import token_settings
from tokens.errors import TokenError
from tokens.refresh_tokens import secrets
from tokens.service_clients.scopes import INTROSPECT, scope_text
from tokens.services import service_tokens, verification
from tokens.types import RefreshClaims, ServiceClaims, TokenIntrospection

INACTIVE = TokenIntrospection(active=False)

_READ_REFRESH_TOKEN = """
SELECT f.user_id, f.session_id, f.rotated_at, f.expires_at
FROM tokens_tokenfamily f JOIN tokens_session s ON s.id = f.session_id LEFT JOIN tokens_refreshkeyepoch e ON TRUE
WHERE f.family_id = %(family_id)s AND f.token_hash = %(digest)s AND NOT f.is_revoked AND s.ended_at IS NULL
  AND f.expires_at > %(now)s AND %(key_epoch)s >= COALESCE(e.minimum, 0)
"""


class _RefreshTokenRow(NamedTuple):
    user_id: object
    session_id: UUID
    rotated_at: datetime
    expires_at: datetime


def introspect(*, token: str, asker: Any, now: datetime) -> TokenIntrospection:
    """Return the claims of an active token, or that it is not active (RFC 7662, 2.2).

    Users and service clients may introspect their own tokens; the action or the scope ``tokens:introspect`` allows
    anybody's. Every other token is inactive, so that the answer reveals nothing (RFC 7662, 4).

    An active access token has reached the client that it was issued to. So this confirms its generation, as using it
    here would, but does not extend the session. Only its exchange confirms a refresh token.
    """
    refresh = secrets.parse_refresh_token(token)
    if refresh is not None:
        found = _introspect_refresh_token(refresh, now=now)
        return found if found.sub is not None and _may_introspect(asker, found.sub) else INACTIVE
    try:
        claims = decode_access_token(token)
        if isinstance(claims, ServiceClaims):
            return _introspect_service_token(claims, asker, now=now)
        result = verification.authenticate_claims(claims=claims, is_use=False, now=now)
    except TokenError:
        return INACTIVE
    if not _may_introspect(asker, str(result.principal.user_id)):
        return INACTIVE
    if not result.is_confirmed:
        verification.confirm_generation(principal=result.principal)
    return _of_access_token(result)


def _may_introspect(asker: Any, subject: str) -> bool:
    if subject == str(asker.pk):
        return True
    return token_settings.MAY(asker, INTROSPECT.name)


def _introspect_service_token(claims: ServiceClaims, asker: Any, *, now: datetime) -> TokenIntrospection:
    if not _may_introspect(asker, str(claims.client_id)):
        return INACTIVE
    result = service_tokens.authenticate_claims(claims=claims, is_use=False, now=now)
    return TokenIntrospection(
        active=True,
        token_type="Bearer",
        iss=token_settings.ISSUER,
        aud=token_settings.AUDIENCE,
        sub=str(claims.client_id),
        client_id=str(claims.client_id),
        scope=scope_text(result.principal.scopes),
        exp=_seconds(claims.expires_at),
        iat=_seconds(claims.issued_at),
        jti=str(claims.jti),
    )


def _of_access_token(result: verification.AuthenticationResult) -> TokenIntrospection:
    principal = result.principal
    return TokenIntrospection(
        active=True,
        token_type="Bearer",
        iss=token_settings.ISSUER,
        aud=token_settings.AUDIENCE,
        sub=str(principal.user_id),
        username=result.user.get_username(),
        exp=_seconds(principal.expires_at),
        iat=_seconds(principal.issued_at),
        auth_time=_seconds(principal.authenticated_at),
        jti=principal.jti,
        sid=str(principal.session_id),
        family_id=str(principal.family_id),
        amr=principal.amr,
        roles=tuple(token_settings.ROLES(result.user)),
    )


def _introspect_refresh_token(claims: RefreshClaims, *, now: datetime) -> TokenIntrospection:
    with connection.cursor() as cursor:
        cursor.execute(
            _READ_REFRESH_TOKEN,
            {"family_id": claims.family_id, "digest": claims.digest, "key_epoch": claims.key_epoch, "now": now},
        )
        values = cursor.fetchone()
    if values is None:
        return INACTIVE
    row = _RefreshTokenRow._make(values)
    return TokenIntrospection(
        active=True,
        token_type="refresh_token",
        iss=token_settings.ISSUER,
        sub=str(row.user_id),
        exp=_seconds(row.expires_at),
        iat=_seconds(row.rotated_at),
        sid=str(row.session_id),
        family_id=str(claims.family_id),
    )


def _seconds(moment: datetime) -> int:
    return int(moment.timestamp())
