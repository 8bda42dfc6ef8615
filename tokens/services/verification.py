"""Authenticate an access token in one query, session, family and user included."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from cedrina_base.prepared_statements import prepared_cursor, run_frequent
from tokens.access_tokens.codec import decode_access_token
from tokens.access_tokens.keyring import keyring
from tokens.conf import token_settings
from tokens.errors import AccessTokenExpired, AccessTokenInvalid, SessionExpired, SessionRevoked
from tokens.models import SessionKind
from tokens.statements import complete, split_row
from tokens.types import AccessClaims, AdminPrincipal, AdminSessionClaims, Principal

# How old last_activity_at may get while a session is in use. A minute is enough for people and the idle lifetime.
_RECORD_ACTIVITY_EVERY = timedelta(minutes=1)

_READ_SESSION = """
SELECT f.is_revoked OR s.ended_at IS NOT NULL OR NOT {user_is_active} AS is_ended,
       EXISTS (SELECT FROM tokens_signingkey k
               WHERE k.kid = %(kid)s AND (k.expires_at IS NULL OR k.expires_at > %(now)s)) AS is_key_published,
       f.expires_at, f.confirmed_generation, s.last_activity_at, s.authenticated_at, s.second_factor_at,
       s.step_up_until, s.sign_in_risk, s.amr, {user_columns}
FROM tokens_tokenfamily f
JOIN tokens_session s ON s.id = f.session_id
JOIN {user_table} u ON {user_pk} = f.user_id
WHERE f.family_id = %(family_id)s AND s.id = %(session_id)s AND {user_pk} = %(user_id)s
"""

_READ_ADMIN_SESSION = """
SELECT f.family_id, f.generation, s.last_activity_at, s.amr, s.authenticated_at, s.second_factor_at, s.step_up_until,
       s.sign_in_risk
FROM tokens_session s
JOIN tokens_tokenfamily f ON f.session_id = s.id
JOIN {user_table} u ON {user_pk} = s.user_id
WHERE s.id = %(session_id)s AND s.user_id = %(user_id)s AND s.kind = %(kind)s AND s.ended_at IS NULL
  AND NOT f.is_revoked AND f.expires_at > %(now)s AND {user_is_active}
"""

_READ_ADMIN_USER = """
SELECT s.ended_at IS NOT NULL OR f.is_revoked OR NOT {user_is_active} AS is_ended,
       LEAST(f.expires_at, s.expires_at) AS expires_at, {user_columns}
FROM tokens_tokenfamily f
JOIN tokens_session s ON s.id = f.session_id
JOIN {user_table} u ON {user_pk} = f.user_id
WHERE f.family_id = %(family_id)s AND s.id = %(session_id)s AND {user_pk} = %(user_id)s AND s.kind = %(kind)s
"""

# GREATEST, because a server whose clock is behind must not take anything back.
_RECORD_ACTIVITY = """
WITH used AS (
    UPDATE tokens_tokenfamily f SET
        confirmed_generation = GREATEST(f.confirmed_generation, LEAST(%(generation)s, f.generation)),
        expires_at = GREATEST(f.expires_at, LEAST(%(now)s + %(idle)s, s.expires_at))
    FROM tokens_session s WHERE f.family_id = %(family_id)s AND NOT f.is_revoked AND s.id = f.session_id
    RETURNING f.session_id
)
UPDATE tokens_session s SET last_activity_at = GREATEST(s.last_activity_at, %(now)s)
FROM used WHERE s.id = used.session_id
"""

_CONFIRM_GENERATION = """
UPDATE tokens_tokenfamily
SET confirmed_generation = GREATEST(confirmed_generation, LEAST(%(generation)s, generation))
WHERE family_id = %(family_id)s AND NOT is_revoked
"""


class _SessionRow(NamedTuple):
    is_ended: bool
    is_key_published: bool
    expires_at: datetime
    confirmed_generation: int
    last_activity_at: datetime
    authenticated_at: datetime
    second_factor_at: datetime | None
    step_up_until: datetime | None
    sign_in_risk: int | None
    amr: list[str]


class _AdminUserRow(NamedTuple):
    is_ended: bool
    expires_at: datetime


class _AdminSessionRow(NamedTuple):
    family_id: UUID
    generation: int
    last_activity_at: datetime
    amr: list[str]
    authenticated_at: datetime
    second_factor_at: datetime | None
    step_up_until: datetime | None
    sign_in_risk: int | None


@dataclass(frozen=True, slots=True)
class AuthenticationResult:
    """The user, without the password hash, and what the token and its session say."""

    user: Any
    principal: Principal
    is_confirmed: bool  # whether a token of this generation was used before


def authenticate(*, presented: str, now: datetime) -> AuthenticationResult:
    """Verify an access token and return its live session's user.

    The first request with a token of a generation confirms that the client has received its refresh token too. That
    and ``last_activity_at`` are written at most once a minute.

    Raises: AccessTokenInvalid, AccessTokenExpired, SessionRevoked, SessionExpired (RFC 9068, 4).
    """
    claims = decode_access_token(presented)
    if not isinstance(claims, AccessClaims):
        raise AccessTokenInvalid(client_id=claims.client_id, reason="it is of a service client, not of a person")
    return authenticate_claims(claims=claims, now=now)


def authenticate_claims(*, claims: AccessClaims, is_use: bool = True, now: datetime) -> AuthenticationResult:
    """Do the same for a token whose signature is verified already.

    ``is_use`` is false if the owner is not at work, so that the session's idle lifetime is not extended.

    Raises: AccessTokenInvalid, AccessTokenExpired, SessionRevoked, SessionExpired (RFC 9068, 4).
    """
    row, user = _read_session(claims, now=now)
    if not row.is_key_published:
        keyring.expire()
        raise AccessTokenInvalid(family_id=claims.family_id, reason="its key was withdrawn")
    if row.is_ended:
        raise SessionRevoked(session_id=claims.session_id)
    if claims.expires_at <= now:
        raise AccessTokenExpired(session_id=claims.session_id)
    if row.expires_at <= now:
        raise SessionExpired(session_id=claims.session_id)
    is_confirmed = row.confirmed_generation >= claims.generation
    if is_use and (not is_confirmed or now - row.last_activity_at >= _RECORD_ACTIVITY_EVERY):
        _record_activity(family_id=claims.family_id, generation=claims.generation, now=now)
    principal = Principal(
        user_id=claims.user_id,
        session_id=claims.session_id,
        family_id=claims.family_id,
        generation=claims.generation,
        jti=claims.jti,
        amr=tuple(row.amr),
        authenticated_at=row.authenticated_at,
        second_factor_at=row.second_factor_at,
        step_up_until=row.step_up_until,
        sign_in_risk=row.sign_in_risk,
        issued_at=claims.issued_at,
        expires_at=claims.expires_at,
    )
    user.presented_principal = principal  # for who decides by it, such as by when a second factor was shown
    return AuthenticationResult(user=user, principal=principal, is_confirmed=is_confirmed)


def confirm_generation(*, principal: Principal) -> None:
    """Record that the client has received a token of this generation, without extending the session.

    From then on the refresh token before it does not count as a lost response.
    """
    with prepared_cursor() as cursor:
        cursor.execute(_CONFIRM_GENERATION, {"family_id": principal.family_id, "generation": principal.generation})


def authenticate_admin_session(*, session_id: UUID, user_id: Any, now: datetime) -> AdminPrincipal | None:
    """Return what is known of a session of the admin's pages if it is live and this user's, in one query.

    This counts as use: ``last_activity_at`` and the idle deadline move, written at most once a minute.
    """
    parameters = {"now": now, "session_id": session_id, "user_id": user_id, "kind": SessionKind.ADMIN}
    with prepared_cursor() as cursor:
        cursor.execute(complete(_READ_ADMIN_SESSION), parameters)
        values = cursor.fetchone()
    if values is None:
        return None
    row = _AdminSessionRow._make(values)
    if now - row.last_activity_at >= _RECORD_ACTIVITY_EVERY:
        _record_activity(family_id=row.family_id, generation=row.generation, now=now)
    return AdminPrincipal(
        user_id=user_id,
        session_id=session_id,
        amr=tuple(row.amr),
        authenticated_at=row.authenticated_at,
        second_factor_at=row.second_factor_at,
        step_up_until=row.step_up_until,
        sign_in_risk=row.sign_in_risk,
    )


def authenticate_admin_claims(*, claims: AdminSessionClaims, now: datetime) -> Any:
    """Return the user of a live session of the admin's pages, in one query. This counts as no use of the session.

    Raises: AccessTokenInvalid, SessionRevoked, SessionExpired.
    """
    parameters = {
        "family_id": claims.family_id,
        "session_id": claims.session_id,
        "user_id": claims.user_id,
        "kind": SessionKind.ADMIN,
    }
    with prepared_cursor() as cursor:
        cursor.execute(complete(_READ_ADMIN_USER), parameters)
        values = cursor.fetchone()
    if values is None:
        raise AccessTokenInvalid(family_id=claims.family_id, reason="no such session")
    row, user = split_row(_AdminUserRow, values)
    if row.is_ended:
        raise SessionRevoked(session_id=claims.session_id)
    if row.expires_at <= now:
        raise SessionExpired(session_id=claims.session_id)
    return user


def _read_session(claims: AccessClaims, *, now: datetime) -> tuple[_SessionRow, Any]:
    parameters = {
        "now": now,
        "family_id": claims.family_id,
        "session_id": claims.session_id,
        "user_id": claims.user_id,
        "kid": claims.kid,
    }
    found = run_frequent(complete(_READ_SESSION), parameters)
    if not found:
        raise AccessTokenInvalid(family_id=claims.family_id, reason="no such session")
    return split_row(_SessionRow, found[0])


def _record_activity(*, family_id: UUID, generation: int, now: datetime) -> None:
    parameters: dict[str, Any] = {
        "family_id": family_id,
        "generation": generation,
        "now": now,
        "idle": token_settings.SESSION_IDLE_TTL,
    }
    with prepared_cursor() as cursor:
        cursor.execute(_RECORD_ACTIVITY, parameters)
