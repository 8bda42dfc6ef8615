"""From a presented access token to the one it speaks for, in one query."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any
from uuid import UUID

from cedrina_base.prepared_statements import prepared_cursor
from tokens import published, users
from tokens.codec import decode_access
from tokens.conf import token_settings
from tokens.errors import AccessTokenExpired, AccessTokenInvalid, SessionExpired, SessionRevoked
from tokens.keyring import keyring
from tokens.models import SessionKind
from tokens.types import AccessClaims, Principal

# How stale last_activity_at may be. Once a minute is enough for people and for the idle lifetime.
_TOUCH_EVERY = timedelta(minutes=1)

_READ = """
SELECT COALESCE(%(now)s::timestamptz, statement_timestamp()), f.is_revoked OR s.ended_at IS NOT NULL OR NOT {active},
       {is_published}, f.expires_at, f.confirmed_generation, s.last_activity_at, s.authenticated_at,
       s.second_factor_at, s.amr, {columns}
FROM tokens_tokenfamily f JOIN tokens_session s ON s.id = f.session_id JOIN {users} u ON {user_key} = f.user_id
WHERE f.family_id = %(family_id)s AND s.id = %(session_id)s AND {user_key} = %(user_id)s
"""

_READ_ADMIN = """
SELECT f.family_id, f.generation, s.last_activity_at, COALESCE(%(now)s::timestamptz, statement_timestamp())
FROM tokens_session s JOIN tokens_tokenfamily f ON f.session_id = s.id JOIN {users} u ON {user_key} = s.user_id
WHERE s.id = %(session_id)s AND s.user_id = %(user_id)s AND s.kind = %(kind)s AND s.ended_at IS NULL
  AND NOT f.is_revoked AND f.expires_at > COALESCE(%(now)s::timestamptz, statement_timestamp()) AND {active}
"""

_TOUCH = """
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


_CONFIRM = """
UPDATE tokens_tokenfamily
SET confirmed_generation = GREATEST(confirmed_generation, LEAST(%(generation)s, generation))
WHERE family_id = %(family_id)s AND NOT is_revoked
"""


@dataclass(frozen=True, slots=True)
class Authenticated:
    """The user, built without another query and without the password hash, and what the token says of the session."""

    user: Any
    principal: Principal
    is_confirmed: bool  # whether a token of this generation was used before


def authenticate(*, presented: str, now: datetime | None = None) -> Authenticated:
    """Verify an access token and find its living session, family and user.

    The database's clock judges the token's times. The first request with a generation's token confirms that its
    refresh token arrived too; that and ``last_activity_at`` are written at most once a minute.

    Raises: AccessTokenInvalid, AccessTokenExpired, SessionRevoked, SessionExpired (RFC 9068, 4).
    """
    return authenticate_claims(claims=decode_access(presented), now=now)


def authenticate_claims(*, claims: AccessClaims, is_use: bool = True, now: datetime | None = None) -> Authenticated:
    """Do the same for a token whose signature was verified already.

    ``is_use`` says whether this is its owner at work, which keeps the session from idling out.

    Raises: AccessTokenInvalid, AccessTokenExpired, SessionRevoked, SessionExpired (RFC 9068, 4).
    """
    with prepared_cursor() as cursor:
        cursor.execute(
            _statement(),
            {
                "now": now,
                "family_id": claims.family_id,
                "session_id": claims.session_id,
                "user_id": claims.user_id,
                "kid": claims.kid,
            },
        )
        row = cursor.fetchone()
    if row is None:
        raise AccessTokenInvalid(family_id=claims.family_id, reason="no such session")
    (
        at,
        is_ended,
        is_published,
        family_expires_at,
        confirmed,
        last_activity_at,
        authenticated_at,
        second_factor_at,
        amr,
        *columns,
    ) = row
    if not is_published:
        keyring.outdate()
        raise AccessTokenInvalid(family_id=claims.family_id, reason="its key was withdrawn")
    if is_ended:
        raise SessionRevoked(session_id=claims.session_id)
    if claims.expires_at <= at:
        raise AccessTokenExpired(session_id=claims.session_id)
    if family_expires_at <= at:
        raise SessionExpired(session_id=claims.session_id)
    if is_use and (confirmed < claims.generation or at - last_activity_at >= _TOUCH_EVERY):
        _touch(family_id=claims.family_id, generation=claims.generation, at=at)
    principal = Principal(
        user_id=claims.user_id,
        session_id=claims.session_id,
        family_id=claims.family_id,
        generation=claims.generation,
        jti=claims.jti,
        amr=tuple(amr),
        authenticated_at=authenticated_at,
        second_factor_at=second_factor_at,
        issued_at=claims.issued_at,
        expires_at=claims.expires_at,
    )
    return Authenticated(user=users.from_row(columns), principal=principal, is_confirmed=confirmed >= claims.generation)


def confirm(*, principal: Principal) -> None:
    """Note that a token of this generation has arrived where it was issued to, without calling it use of the session.

    From then on the refresh token before it is no lost reply any more.
    """
    with prepared_cursor() as cursor:
        cursor.execute(_CONFIRM, {"family_id": principal.family_id, "generation": principal.generation})


def use_admin_session(*, session_id: UUID, user_id: Any, now: datetime | None = None) -> bool:
    """Say whether a session of the admin's pages lives and is this person's, in one query.

    This is its owner at work: the session's last activity moves, and with it the moment at which it idles out, both
    written at most once a minute.
    """
    with prepared_cursor() as cursor:
        cursor.execute(
            _admin_statement(), {"now": now, "session_id": session_id, "user_id": user_id, "kind": SessionKind.ADMIN}
        )
        row = cursor.fetchone()
    if row is None:
        return False
    family_id, generation, last_activity_at, at = row
    if at - last_activity_at >= _TOUCH_EVERY:
        _touch(family_id=family_id, generation=generation, at=at)
    return True


def _touch(*, family_id: UUID, generation: int, at: datetime) -> None:
    parameters: dict[str, Any] = {
        "family_id": family_id,
        "generation": generation,
        "now": at,
        "idle": token_settings.SESSION_IDLE_TTL,
    }
    with prepared_cursor() as cursor:
        cursor.execute(_TOUCH, parameters)


@lru_cache(maxsize=1)
def _statement() -> str:
    at = "COALESCE(%(now)s::timestamptz, statement_timestamp())"
    return _READ.format(
        users=users.table(),
        user_key=users.key(),
        active=users.active(),
        columns=users.columns(),
        is_published=published.is_published(now=at),
    )


@lru_cache(maxsize=1)
def _admin_statement() -> str:
    return _READ_ADMIN.format(users=users.table(), user_key=users.key(), active=users.active())
