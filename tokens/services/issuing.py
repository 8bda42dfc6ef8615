"""Open a session with its token family; give a session a new family."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, NamedTuple
from uuid import UUID

from cedrina_base.prepared_statements import prepared_cursor
from cedrina_base.signed_tokens import token_digest
from cedrina_base.uuids import uuid7
from security_events.catalogue import EventType
from security_events.services.recording import Rider
from security_events.types import Subject
from tokens import published, secrets
from tokens.conf import REJECT, token_settings
from tokens.epochs import refresh_epochs
from tokens.errors import SessionLimitReached, SessionRevoked
from tokens.models import MULTI_FACTOR, EndReason, SessionKind, TokenFamily
from tokens.services.signing import sign_pair
from tokens.types import ClientContext, Lineage, TokenPair
from tokens.users import subject_of

_USER_AGENT_LENGTH = 512

# %(limit)s counts the newcomer, among the sessions of its kind. Families are locked in order, before their sessions, as
# everywhere.
_OPEN = """
WITH clock AS (
    SELECT COALESCE(%(now)s::timestamptz, statement_timestamp()) AS now
), live AS (
    SELECT s.id, row_number() OVER (ORDER BY s.created_at DESC, s.id DESC) AS place
    FROM tokens_session s JOIN tokens_tokenfamily f ON f.session_id = s.id, clock
    WHERE s.user_id = %(user_id)s AND s.kind = %(kind)s AND s.ended_at IS NULL AND NOT f.is_revoked
      AND f.expires_at > clock.now
), surplus AS (
    SELECT f.family_id, f.session_id FROM tokens_tokenfamily f
    WHERE NOT %(reject)s AND NOT f.is_revoked
      AND f.session_id IN (SELECT id FROM live WHERE place >= %(limit)s)
    ORDER BY f.family_id FOR UPDATE
), revoked AS (
    UPDATE tokens_tokenfamily f SET is_revoked = TRUE, revoked_at = clock.now, revoke_reason = %(reason)s
    FROM surplus, clock WHERE f.family_id = surplus.family_id RETURNING f.family_id, f.session_id
), evicted AS (
    UPDATE tokens_session s SET ended_at = clock.now, end_reason = %(reason)s
    FROM revoked, clock WHERE s.id = revoked.session_id AND s.ended_at IS NULL
    RETURNING s.id AS session_id, revoked.family_id
), eviction_event AS (
    {eviction_event}
), opened AS (
    INSERT INTO tokens_session (id, user_id, kind, ip_address, user_agent, created_at, last_activity_at,
                                authenticated_at, second_factor_at, amr, expires_at, ended_at, end_reason)
    SELECT %(session_id)s, %(user_id)s, %(kind)s, %(ip_address)s::inet, %(user_agent)s, now, now, now,
           CASE WHEN %(is_multi_factor)s THEN now END, %(amr)s::varchar[], now + %(absolute)s, NULL, ''
    FROM clock WHERE NOT %(reject)s OR (SELECT count(*) FROM live) < %(limit)s
    RETURNING id, created_at, expires_at
), family AS (
    INSERT INTO tokens_tokenfamily (family_id, user_id, session_id, token_hash, previous_token_hash, key_epoch,
                                    generation, confirmed_generation, created_at, rotated_at, repeated_at,
                                    expires_at, is_revoked, revoked_at, revoke_reason)
    SELECT %(family_id)s, %(user_id)s, id, %(token_hash)s, NULL, %(key_epoch)s, 1, 0, created_at, created_at, NULL,
           LEAST(created_at + %(idle)s, expires_at), FALSE, NULL, ''
    FROM opened RETURNING family_id, session_id, created_at, expires_at
), event AS (
    {event}
)
SELECT created_at, expires_at, {signing_kid}, (SELECT current FROM tokens_refreshkeyepoch),
       (SELECT count(*) FROM evicted)
FROM family
"""

_REPLACE = """
WITH clock AS (
    SELECT COALESCE(%(now)s::timestamptz, statement_timestamp()) AS now
), old AS (
    UPDATE tokens_tokenfamily f SET is_revoked = TRUE, revoked_at = clock.now, revoke_reason = %(reason)s
    FROM clock WHERE f.session_id = %(session_id)s AND f.user_id = %(user_id)s AND NOT f.is_revoked
                 AND f.expires_at > clock.now
    RETURNING f.session_id, clock.now
), session AS (
    UPDATE tokens_session s SET last_activity_at = old.now, authenticated_at = old.now
    FROM old WHERE s.id = old.session_id AND s.ended_at IS NULL RETURNING s.id, s.amr, s.expires_at, old.now
), family AS (
    INSERT INTO tokens_tokenfamily (family_id, user_id, session_id, token_hash, previous_token_hash, key_epoch,
                                    generation, confirmed_generation, created_at, rotated_at, repeated_at,
                                    expires_at, is_revoked, revoked_at, revoke_reason)
    SELECT %(family_id)s, %(user_id)s, id, %(token_hash)s, NULL, %(key_epoch)s, 1, 0, now, now, NULL,
           LEAST(now + %(idle)s, expires_at), FALSE, NULL, ''
    FROM session RETURNING created_at, expires_at
)
SELECT family.created_at, family.expires_at, {signing_kid}, (SELECT current FROM tokens_refreshkeyepoch), session.amr
FROM family, session
"""


class _Opened(NamedTuple):
    """A session that was opened, and what the same statement found out."""

    session_id: UUID
    at: datetime
    expires_at: datetime  # of its family, unless it is used
    signing_kid: str | None
    current_epoch: int | None


def open_session(*, user: Any, client: ClientContext, amr: Sequence[str], now: datetime | None = None) -> TokenPair:
    """Open a session for a user who has just been authenticated by the methods ``amr`` (RFC 8176).

    One statement ends what exceeds the limit, opens the session and its family, and records all that. For the limit to
    hold under simultaneous sign-ins the caller must hold the lock of the user's row: update it first, in the same
    transaction. ``now`` is the database's clock when left out.

    Raises: SessionLimitReached.
    """
    family_id = uuid7()
    refresh_token, key_epoch = _first_token(family_id)
    opened = _open(
        user=user,
        client=client,
        amr=amr,
        kind=SessionKind.API,
        family_id=family_id,
        token_hash=token_digest(refresh_token),
        key_epoch=key_epoch,
        longest=token_settings.SESSION_ABSOLUTE_TTL,
        is_refused=token_settings.SESSION_OVERFLOW == REJECT,
        now=now,
    )
    lineage = Lineage(
        family_id=family_id,
        session_id=opened.session_id,
        user=user,
        generation=1,
        key_epoch=key_epoch,
        amr=tuple(amr),
        authenticated_at=opened.at,
        expires_at=opened.expires_at,
        now=opened.at,
        signing_kid=opened.signing_kid,
    )
    return sign_pair(lineage, refresh_token=_in_newest_epoch(lineage, refresh_token, opened.current_epoch))


def open_admin_session(
    *, user: Any, client: ClientContext, amr: Sequence[str], longest: timedelta, now: datetime | None = None
) -> UUID:
    """Open a session that acts by a cookie of the admin's pages, for ``longest`` at the most; return its id.

    It has a family like every session, so that whatever ends sessions ends it too, but no refresh token. The limit
    counts such sessions by themselves and always ends the oldest one: neither sessions of the API nor a setting keep an
    administrator out. The caller holds the lock of the user's row, as for ``open_session``.
    """
    opened = _open(
        user=user,
        client=client,
        amr=amr,
        kind=SessionKind.ADMIN,
        family_id=uuid7(),
        token_hash=secrets.digest_of_none(),
        key_epoch=refresh_epochs.current,
        longest=min(longest, token_settings.SESSION_ABSOLUTE_TTL),
        is_refused=False,
        now=now,
    )
    return opened.session_id


def replace_family(*, session_id: UUID, user: Any, now: datetime | None = None) -> TokenPair:
    """Give a living session a new family after its owner proved who they are; all its earlier tokens die.

    Raises: SessionRevoked, if the session ended meanwhile.
    """
    family_id = uuid7()
    refresh_token, key_epoch = _first_token(family_id)
    parameters = {
        "now": now,
        "user_id": user.pk,
        "session_id": session_id,
        "family_id": family_id,
        "reason": EndReason.PASSWORD_CHANGE,
        "idle": token_settings.SESSION_IDLE_TTL,
        "token_hash": token_digest(refresh_token),
        "key_epoch": key_epoch,
    }
    with prepared_cursor() as cursor:
        cursor.execute(_replace_sql(), parameters)
        row = cursor.fetchone()
    if row is None:
        raise SessionRevoked(session_id=session_id)
    created_at, expires_at, signing_kid, current_epoch, amr = row
    lineage = Lineage(
        family_id=family_id,
        session_id=session_id,
        user=user,
        generation=1,
        key_epoch=key_epoch,
        amr=tuple(amr),
        authenticated_at=created_at,
        expires_at=expires_at,
        now=created_at,
        signing_kid=signing_kid,
    )
    return sign_pair(lineage, refresh_token=_in_newest_epoch(lineage, refresh_token, current_epoch))


def _open(
    *,
    user: Any,
    client: ClientContext,
    amr: Sequence[str],
    kind: SessionKind,
    family_id: UUID,
    token_hash: bytes,
    key_epoch: int,
    longest: timedelta,
    is_refused: bool,
    now: datetime | None,
) -> _Opened:
    session_id, actor = uuid7(), subject_of(user)
    opened = Rider(
        EventType.SESSION_CREATED,
        source="family",
        columns={},
        actor=actor,
        session_id=session_id,
        family_id=family_id,
        data={"amr": list(amr), **({} if kind is SessionKind.API else {"kind": str(kind)})},
        now=now,
    )
    evicted = _eviction_rider(actor=actor, now=now)
    parameters = {
        "now": now,
        "user_id": user.pk,
        "kind": kind,
        "session_id": session_id,
        "family_id": family_id,
        "reject": is_refused,
        "limit": token_settings.MAX_SESSIONS_PER_USER,
        "reason": EndReason.SESSION_LIMIT,
        "ip_address": client.ip_address,
        "user_agent": _stored(client.user_agent),
        "amr": list(amr),
        "is_multi_factor": MULTI_FACTOR in amr,
        "absolute": longest,
        "idle": token_settings.SESSION_IDLE_TTL,
        "token_hash": token_hash,
        "key_epoch": key_epoch,
        **opened.params,
        **evicted.params,
    }
    with prepared_cursor() as cursor:
        cursor.execute(_open_sql(opened.sql, evicted.sql), parameters)
        row = cursor.fetchone()
    if row is None:
        raise SessionLimitReached(user_id=user.pk)
    *found, evictions = row
    opened.announce()
    for _ in range(evictions):
        evicted.announce()
    return _Opened(session_id, *found)


def _first_token(family_id: UUID) -> tuple[str, int]:
    key_epoch = refresh_epochs.current
    return secrets.mint_refresh_token(family_id=family_id, generation=1, key_epoch=key_epoch), key_epoch


def _in_newest_epoch(lineage: Lineage, token: str, current: int | None) -> str:
    """Return the family's first token; a new one if this process had not heard that the key was rotated."""
    if not refresh_epochs.hear(current):
        return token
    newest, key_epoch = _first_token(lineage.family_id)
    TokenFamily.objects.filter(pk=lineage.family_id).update(token_hash=token_digest(newest), key_epoch=key_epoch)
    return newest


def _eviction_rider(*, actor: Subject, now: datetime | None) -> Rider:
    return Rider(
        EventType.SESSION_EVICTED,
        source="evicted",
        prefix="evicted_",
        actor=actor,
        now=now,
        columns={"session_id": "evicted.session_id", "family_id": "evicted.family_id"},
        data={"reason": EndReason.SESSION_LIMIT},
    )


@lru_cache(maxsize=4)
def _open_sql(event: str, eviction_event: str) -> str:
    return _OPEN.format(
        event=event,
        eviction_event=eviction_event,
        signing_kid=published.signing_kid(now="family.created_at"),
    )


@lru_cache(maxsize=1)
def _replace_sql() -> str:
    return _REPLACE.format(signing_kid=published.signing_kid(now="family.created_at"))


def _stored(user_agent: str) -> str:
    # PostgreSQL can't store NUL, nor UTF-8 a lone surrogate.
    return user_agent.replace("\0", "").encode(errors="replace").decode()[:_USER_AGENT_LENGTH]
