"""Open a session with its token family, or give a session a new family."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from cedrina_base.prepared_statements import prepared_cursor
from cedrina_base.signed_tokens import token_digest
from cedrina_base.uuids import uuid7
from security_events.event_cte import AppendedEvent, append_sql
from tokens import end_reasons, event_types
from tokens.conf import REJECT, token_settings
from tokens.end_reasons import EndReason
from tokens.errors import SessionLimitReached, SessionRevoked
from tokens.models import MULTI_FACTOR, SessionKind, TokenFamily
from tokens.refresh_tokens import secrets
from tokens.refresh_tokens.key_epochs import refresh_epochs
from tokens.services.signing import sign_pair
from tokens.statements import complete
from tokens.types import MAX_USER_AGENT_LENGTH, ClientContext, TokenGrant, TokenPair
from tokens.users import subject_of

# The limit includes the new session and holds for each kind separately. Families are locked in order and before their
# sessions, as in every statement.
_OPEN_SESSION = """
WITH live AS (
    SELECT s.id, row_number() OVER (ORDER BY s.created_at DESC, s.id DESC) AS position
    FROM tokens_session s JOIN tokens_tokenfamily f ON f.session_id = s.id
    WHERE s.user_id = %(user_id)s AND s.kind = %(kind)s AND s.ended_at IS NULL AND NOT f.is_revoked
      AND f.expires_at > %(now)s
), surplus AS (
    SELECT f.family_id, f.session_id FROM tokens_tokenfamily f
    WHERE NOT %(reject)s AND NOT f.is_revoked
      AND f.session_id IN (SELECT id FROM live WHERE position >= %(limit)s)
    ORDER BY f.family_id FOR UPDATE
), revoked AS (
    UPDATE tokens_tokenfamily f SET is_revoked = TRUE, revoked_at = %(now)s, revoke_reason = %(reason)s
    FROM surplus WHERE f.family_id = surplus.family_id RETURNING f.family_id, f.session_id
), evicted AS (
    UPDATE tokens_session s SET ended_at = %(now)s, end_reason = %(reason)s
    FROM revoked WHERE s.id = revoked.session_id AND s.ended_at IS NULL
    RETURNING s.id AS session_id, revoked.family_id
), eviction_event AS (
    {eviction_event}
), opened AS (
    INSERT INTO tokens_session (id, user_id, kind, ip_address, user_agent, created_at, last_activity_at,
                                authenticated_at, second_factor_at, step_up_until, amr, sign_in_risk, expires_at,
                                ended_at, end_reason)
    SELECT %(session_id)s, %(user_id)s, %(kind)s, %(ip_address)s::inet, %(user_agent)s, %(now)s, %(now)s, %(now)s,
           CASE WHEN %(is_multi_factor)s THEN %(now)s END,
           (SELECT max(o.until) FROM tokens_stepuporder o
            WHERE o.user_id = %(user_id)s AND o.until > %(now)s AND NOT %(is_multi_factor)s
              AND (%(known_since)s::timestamptz IS NULL OR o.since <= %(known_since)s)),
           %(amr)s::varchar[], %(risk)s::smallint, %(now)s + %(absolute)s, NULL, ''
    WHERE NOT %(reject)s OR (SELECT count(*) FROM live) < %(limit)s
    RETURNING id, expires_at
), family AS (
    INSERT INTO tokens_tokenfamily (family_id, user_id, session_id, token_hash, previous_token_hash, key_epoch,
                                    generation, confirmed_generation, created_at, rotated_at, repeated_at,
                                    expires_at, is_revoked, revoked_at, revoke_reason)
    SELECT %(family_id)s, %(user_id)s, id, %(token_hash)s, NULL, %(key_epoch)s, 1, 0, %(now)s, %(now)s, NULL,
           LEAST(%(now)s + %(idle)s, expires_at), FALSE, NULL, ''
    FROM opened RETURNING expires_at
), event AS (
    {event}
)
SELECT expires_at, {signing_kid} AS signing_kid, (SELECT current FROM tokens_refreshkeyepoch) AS current_epoch,
       (SELECT count(*) FROM evicted) AS evictions
FROM family
"""
_OPENED = append_sql(source="family")
_EVICTED = append_sql(
    source="evicted",
    columns={"session_id": "evicted.session_id", "family_id": "evicted.family_id"},
    prefix="evicted_",
)

_REPLACE_FAMILY = """
WITH revoked AS (
    UPDATE tokens_tokenfamily f SET is_revoked = TRUE, revoked_at = %(now)s, revoke_reason = %(reason)s
    WHERE f.session_id = %(session_id)s AND f.user_id = %(user_id)s AND NOT f.is_revoked AND f.expires_at > %(now)s
    RETURNING f.session_id
), session AS (
    UPDATE tokens_session s SET last_activity_at = %(now)s, authenticated_at = %(now)s
    FROM revoked WHERE s.id = revoked.session_id AND s.ended_at IS NULL RETURNING s.id, s.amr, s.expires_at
), family AS (
    INSERT INTO tokens_tokenfamily (family_id, user_id, session_id, token_hash, previous_token_hash, key_epoch,
                                    generation, confirmed_generation, created_at, rotated_at, repeated_at,
                                    expires_at, is_revoked, revoked_at, revoke_reason)
    SELECT %(family_id)s, %(user_id)s, id, %(token_hash)s, NULL, %(key_epoch)s, 1, 0, %(now)s, %(now)s, NULL,
           LEAST(%(now)s + %(idle)s, expires_at), FALSE, NULL, ''
    FROM session RETURNING expires_at
)
SELECT family.expires_at, {signing_kid} AS signing_kid, (SELECT current FROM tokens_refreshkeyepoch) AS current_epoch,
       session.amr
FROM family, session
"""


class _OpenedRow(NamedTuple):
    expires_at: datetime  # of the family, unless it is used
    signing_kid: str | None
    current_epoch: int | None
    evictions: int


class _ReplacedRow(NamedTuple):
    expires_at: datetime
    signing_kid: str | None
    current_epoch: int | None
    amr: list[str]


def open_session(
    *,
    user: Any,
    client: ClientContext,
    amr: Sequence[str],
    known_since: datetime | None = None,
    risk: int | None = None,
    now: datetime,
) -> TokenPair:
    """Open a session for a user who has just authenticated by the methods ``amr`` (RFC 8176).

    One statement ends the sessions beyond the limit, opens the session and its family, and records the events. The
    caller must hold a lock of the user's row, or simultaneous sign-ins could exceed the limit: update that row first,
    in the same transaction.

    While a finding about the user asks for proofs, the session must show one at sensitive calls (``StepUpOrder``). Not
    so if a second factor was just shown, nor if the client is a device that the user has signed in with before the
    attack: ``known_since`` is when it did so last. ``risk`` is that of the sign-in, 0 to 100, if it is known.

    Raises: SessionLimitReached.
    """
    session_id, family_id = uuid7(), uuid7()
    refresh_token, key_epoch = _first_token(family_id)
    opened = _open(
        user=user,
        client=client,
        amr=amr,
        kind=SessionKind.API,
        session_id=session_id,
        family_id=family_id,
        token_hash=token_digest(refresh_token),
        key_epoch=key_epoch,
        max_age=token_settings.SESSION_ABSOLUTE_TTL,
        known_since=known_since,
        risk=risk,
        reject=token_settings.SESSION_OVERFLOW == REJECT,
        now=now,
    )
    grant = TokenGrant(
        family_id=family_id,
        session_id=session_id,
        user=user,
        generation=1,
        key_epoch=key_epoch,
        amr=tuple(amr),
        authenticated_at=now,
        expires_at=opened.expires_at,
        now=now,
        signing_kid=opened.signing_kid,
    )
    return sign_pair(grant, refresh_token=_in_newest_epoch(grant, refresh_token, opened.current_epoch))


def open_admin_session(
    *,
    user: Any,
    client: ClientContext,
    amr: Sequence[str],
    max_age: timedelta,
    risk: int | None = None,
    now: datetime,
) -> UUID:
    """Open a session for the cookie of the admin's pages, for at most ``max_age``; return its id.

    It has a family like every session, so that whatever ends sessions ends it too, but no refresh token. The limit
    counts these sessions separately and always ends the oldest, so neither API sessions nor a setting lock an
    administrator out. The caller holds a lock of the user's row, as for ``open_session``.
    """
    session_id = uuid7()
    _open(
        user=user,
        client=client,
        amr=amr,
        kind=SessionKind.ADMIN,
        session_id=session_id,
        family_id=uuid7(),
        token_hash=secrets.random_digest(),
        key_epoch=refresh_epochs.current,
        max_age=min(max_age, token_settings.SESSION_ABSOLUTE_TTL),
        risk=risk,
        reject=False,
        now=now,
    )
    return session_id


def replace_family(*, session_id: UUID, user: Any, reason: EndReason, now: datetime) -> TokenPair:
    """Give a live session a new family after its user has authenticated again; all earlier tokens are revoked.

    ``reason`` is stored for the revoked family.

    Raises: SessionRevoked, if the session has ended.
    """
    family_id = uuid7()
    refresh_token, key_epoch = _first_token(family_id)
    parameters = {
        "now": now,
        "user_id": user.pk,
        "session_id": session_id,
        "family_id": family_id,
        "reason": end_reasons.code_of(reason),
        "idle": token_settings.SESSION_IDLE_TTL,
        "token_hash": token_digest(refresh_token),
        "key_epoch": key_epoch,
    }
    with prepared_cursor() as cursor:
        cursor.execute(complete(_REPLACE_FAMILY), parameters)
        values = cursor.fetchone()
    if values is None:
        raise SessionRevoked(session_id=session_id)
    row = _ReplacedRow._make(values)
    grant = TokenGrant(
        family_id=family_id,
        session_id=session_id,
        user=user,
        generation=1,
        key_epoch=key_epoch,
        amr=tuple(row.amr),
        authenticated_at=now,
        expires_at=row.expires_at,
        now=now,
        signing_kid=row.signing_kid,
    )
    return sign_pair(grant, refresh_token=_in_newest_epoch(grant, refresh_token, row.current_epoch))


def _open(
    *,
    user: Any,
    client: ClientContext,
    amr: Sequence[str],
    kind: SessionKind,
    session_id: UUID,
    family_id: UUID,
    token_hash: bytes,
    key_epoch: int,
    max_age: timedelta,
    reject: bool,
    known_since: datetime | None = None,
    risk: int | None = None,
    now: datetime,
) -> _OpenedRow:
    actor = subject_of(user)
    opened = AppendedEvent(
        event_types.SESSION_CREATED,
        actor=actor,
        session_id=session_id,
        family_id=family_id,
        data={"amr": list(amr), **({} if kind is SessionKind.API else {"kind": str(kind)})},
        now=now,
    )
    evicted = AppendedEvent(
        event_types.SESSION_EVICTED,
        prefix="evicted_",
        actor=actor,
        data={"reason": end_reasons.SESSION_LIMIT.code},
        now=now,
    )
    parameters = {
        "now": now,
        "user_id": user.pk,
        "kind": kind,
        "session_id": session_id,
        "family_id": family_id,
        "reject": reject,
        "limit": token_settings.MAX_SESSIONS_PER_USER,
        "reason": end_reasons.SESSION_LIMIT.code,
        "ip_address": client.ip_address,
        "user_agent": _stored(client.user_agent),
        "amr": list(amr),
        "is_multi_factor": MULTI_FACTOR in amr,
        "known_since": known_since,
        "risk": risk,
        "absolute": max_age,
        "idle": token_settings.SESSION_IDLE_TTL,
        "token_hash": token_hash,
        "key_epoch": key_epoch,
        **opened.params,
        **evicted.params,
    }
    with prepared_cursor() as cursor:
        cursor.execute(complete(_OPEN_SESSION, event=_OPENED, eviction_event=_EVICTED), parameters)
        values = cursor.fetchone()
    if values is None:
        raise SessionLimitReached(user_id=user.pk)
    row = _OpenedRow._make(values)
    opened.announce()
    for _ in range(row.evictions):
        evicted.announce()
    return row


def _first_token(family_id: UUID) -> tuple[str, int]:
    key_epoch = refresh_epochs.current
    return secrets.mint_refresh_token(family_id=family_id, generation=1, key_epoch=key_epoch), key_epoch


def _in_newest_epoch(grant: TokenGrant, token: str, current: int | None) -> str:
    """Return the family's first token, or a new one if the key was rotated and this process did not know it yet."""
    if not refresh_epochs.update_current(current):
        return token
    newest, key_epoch = _first_token(grant.family_id)
    TokenFamily.objects.filter(pk=grant.family_id).update(token_hash=token_digest(newest), key_epoch=key_epoch)
    return newest


def _stored(user_agent: str) -> str:
    # PostgreSQL can't store NUL, nor UTF-8 a lone surrogate.
    return user_agent.replace("\0", "").encode(errors="replace").decode()[:MAX_USER_AGENT_LENGTH]
