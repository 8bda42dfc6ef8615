"""End sessions: one, all of a person's, or one whose refresh token was stolen.

Each is one statement with its event, in autocommit unless the caller has a transaction open. Families are locked before
their sessions, and several of them in order, so that nothing here can deadlock with a rotation.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from cedrina_base.prepared_statements import prepared_cursor
from security_events.catalogue import EventType, Outcome
from security_events.services.recording import NOBODY, Rider
from security_events.types import Subject
from tokens import published, secrets, signals
from tokens.codec import decode_access
from tokens.errors import AccessTokenInvalid
from tokens.models import EndReason
from tokens.services.announcing import announce
from tokens.types import AccessClaims

_END = """
WITH clock AS (
    SELECT COALESCE(%(now)s::timestamptz, statement_timestamp()) AS now
), doomed AS (
    SELECT f.family_id FROM tokens_tokenfamily f, clock WHERE NOT f.is_revoked AND {which}
    ORDER BY f.family_id FOR UPDATE OF f
), revoked AS (
    UPDATE tokens_tokenfamily f SET is_revoked = TRUE, revoked_at = clock.now, revoke_reason = %(reason)s
    FROM doomed, clock WHERE f.family_id = doomed.family_id RETURNING f.family_id, f.session_id, f.user_id
), ended AS (
    UPDATE tokens_session s SET ended_at = clock.now, end_reason = %(reason)s
    FROM revoked, clock WHERE s.id = revoked.session_id AND s.ended_at IS NULL
    RETURNING s.id AS session_id, revoked.family_id, revoked.user_id
), event AS (
    {event}
)
SELECT session_id, family_id, user_id FROM ended
"""

# The condition that a verified access token still speaks for a living session, on the family alone.
_BEARER_LIVES = """EXISTS (
    SELECT FROM tokens_tokenfamily b
    WHERE b.family_id = %(bearer_family_id)s AND b.session_id = %(bearer_session_id)s AND b.user_id = %(user_id)s
      AND NOT b.is_revoked AND b.expires_at > clock.now AND %(token_expires_at)s > clock.now)
  AND """ + published.is_published(now="clock.now")

# The condition that a refresh token was made in an epoch that is accepted.
_EPOCH_IS_ACCEPTED = "NOT EXISTS (SELECT FROM tokens_refreshkeyepoch e WHERE e.minimum > %(key_epoch)s)"


def log_out(*, claims: AccessClaims, everywhere: bool = False, now: datetime | None = None) -> int:
    """End the session that an access token speaks for, or all of its owner's; return how many ended.

    Whether the token still speaks for a living session is decided by the same statement: 0 means that it doesn't.
    """
    which = "f.user_id = %(user_id)s" if everywhere else "f.family_id = %(bearer_family_id)s"
    return len(
        _end(
            f"{which} AND {_BEARER_LIVES}",
            reason=EndReason.LOGOUT_ALL if everywhere else EndReason.LOGOUT,
            now=now,
            user_id=claims.user_id,
            bearer_family_id=claims.family_id,
            bearer_session_id=claims.session_id,
            token_expires_at=claims.expires_at,
            kid=claims.kid,
        )
    )


def end_session(
    *,
    session_id: UUID,
    user_id: Any,
    reason: EndReason,
    actor: Subject = NOBODY,
    note: str = "",
    now: datetime | None = None,
) -> bool:
    """End one session of a person; say whether it was alive. ``note`` is the administrator's reason."""
    ended = _end(
        "f.session_id = %(session_id)s AND f.user_id = %(user_id)s AND f.expires_at > clock.now",
        reason=reason,
        actor=actor,
        note=note,
        now=now,
        session_id=session_id,
        user_id=user_id,
    )
    return bool(ended)


def end_sessions(
    *,
    user_id: Any,
    reason: EndReason,
    keep_session_id: UUID | None = None,
    actor: Subject = NOBODY,
    note: str = "",
    now: datetime | None = None,
) -> int:
    """End all sessions of a person, but perhaps one; return how many ended."""
    ended = _end(
        "f.user_id = %(user_id)s AND f.session_id IS DISTINCT FROM %(keep)s::uuid",
        reason=reason,
        actor=actor,
        note=note,
        now=now,
        user_id=user_id,
        keep=keep_session_id,
    )
    return len(ended)


def end_sessions_of_refused_epochs(*, limit: int, note: str, now: datetime | None = None) -> int:
    """End so many sessions at most whose refresh token was made in an epoch that is refused; return how many ended."""
    ended = _end(
        """f.family_id IN (
            SELECT o.family_id FROM tokens_tokenfamily o JOIN tokens_refreshkeyepoch e ON o.key_epoch < e.minimum
            WHERE NOT o.is_revoked LIMIT %(limit)s)""",
        reason=EndReason.ADMINISTRATOR,
        note=note,
        now=now,
        limit=limit,
    )
    return len(ended)


def revoke_token(*, presented: str, now: datetime | None = None) -> bool:
    """End the session of a token whose holder gives it up; say whether it was alive (RFC 7009, 2.1).

    Only a token that would still be accepted can do that: one found in an old log ends nobody's session.
    """
    refresh = secrets.parse_refresh_token(presented)
    if refresh is not None:
        ended = _end(
            "f.family_id = %(family_id)s AND %(digest)s IN (f.token_hash, f.previous_token_hash)"
            f" AND {_EPOCH_IS_ACCEPTED}",
            reason=EndReason.TOKEN_REVOKED,
            now=now,
            family_id=refresh.family_id,
            digest=refresh.digest,
            key_epoch=refresh.key_epoch,
        )
        return bool(ended)
    try:
        access = decode_access(presented)
    except AccessTokenInvalid:
        return False
    ended = _end(
        f"f.family_id = %(bearer_family_id)s AND {_BEARER_LIVES}",
        reason=EndReason.TOKEN_REVOKED,
        now=now,
        user_id=access.user_id,
        bearer_family_id=access.family_id,
        bearer_session_id=access.session_id,
        token_expires_at=access.expires_at,
        kid=access.kid,
    )
    return bool(ended)


def mark_compromised(*, family_id: UUID, generation: int, now: datetime | None = None) -> bool:
    """End the session whose superseded refresh token came back, and tell who listens (RFC 9700, 4.14.2).

    Committed before the caller is refused: a refusal must not undo what it is about. Of several that see the theft at
    once, one ends the session and tells. It tells before the commit, so that a notice to the person can be a job of the
    same transaction and is not lost with the process.
    """
    with transaction.atomic():
        ended = _end(
            "f.family_id = %(family_id)s",
            event_type=EventType.TOKEN_REUSE_DETECTED,
            outcome=Outcome.FAILURE,
            reason=EndReason.REUSE_DETECTED,
            data={"presented_generation": generation},
            now=now,
            family_id=family_id,
        )
        for session_id, family, user_id in ended:
            announce(
                signals.family_compromised,
                name="family_compromised",
                user_id=user_id,
                session_id=session_id,
                family_id=family,
            )
    return bool(ended)


def _end(
    which: str,
    *,
    reason: EndReason,
    event_type: EventType = EventType.SESSION_REVOKED,
    outcome: Outcome = Outcome.SUCCESS,
    actor: Subject = NOBODY,
    note: str = "",
    data: dict[str, Any] | None = None,
    now: datetime | None,
    **parameters: Any,
) -> list[tuple[UUID, UUID, Any]]:
    """Run the statement; who ended a session themselves is its actor and its target alike."""
    columns = {"session_id": "ended.session_id", "family_id": "ended.family_id", "target_id": "ended.user_id::text"}
    if not actor.id and reason not in (EndReason.ADMINISTRATOR, EndReason.REUSE_DETECTED):
        columns["actor_id"] = "ended.user_id::text"
    details = {"reason": str(reason), **({"note": note} if note else {}), **(data or {})}
    rider = Rider(
        event_type,
        source="ended",
        columns=columns,
        actor=actor,
        outcome=outcome,
        data=details,
        reasons=[str(reason)] if outcome is Outcome.FAILURE else (),
        now=now,
    )
    with prepared_cursor() as cursor:
        cursor.execute(
            _END.format(which=which, event=rider.sql), {"now": now, "reason": reason, **parameters, **rider.params}
        )
        ended: list[tuple[UUID, UUID, Any]] = cursor.fetchall()
    for session_id, family_id, user_id in ended:
        rider.announce(session_id=session_id, family_id=family_id, target_id=user_id)
    return ended
