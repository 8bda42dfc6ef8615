"""End sessions: one, all of a user's, or one whose refresh token was stolen.

Each function runs one statement that also records the events; it commits by itself unless the caller has a transaction
open. A statement locks families before their sessions and several families in order, so it cannot deadlock with a
rotation.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import structlog
from django.contrib.auth import get_user_model
from django.db import transaction

from cedrina_base.prepared_statements import run_frequent
from security_events.catalogue import EventType
from security_events.event_cte import AppendedEvent, append_sql
from security_events.types import NO_SUBJECT, Outcome, Subject
from tokens import end_reasons, event_types, signals, users
from tokens.access_tokens.codec import decode_access_token
from tokens.end_reasons import EndReason, InitiatingEntity
from tokens.errors import AccessTokenInvalid
from tokens.refresh_tokens import secrets
from tokens.services import service_tokens
from tokens.statements import complete
from tokens.types import AccessClaims, ServiceClaims

log = structlog.get_logger(__name__)

# Each of these CTEs locks the families that a case ends.
_FAMILY_OF_SESSION = """
WITH families AS (
    SELECT f.family_id FROM tokens_tokenfamily f
    WHERE f.session_id = %(session_id)s AND f.user_id = %(user_id)s AND f.expires_at > %(now)s AND NOT f.is_revoked
    ORDER BY f.family_id FOR UPDATE
)"""
_FAMILIES_OF_USER = """
WITH families AS (
    SELECT f.family_id FROM tokens_tokenfamily f
    WHERE f.user_id = %(user_id)s AND f.session_id IS DISTINCT FROM %(kept_session_id)s::uuid AND NOT f.is_revoked
    ORDER BY f.family_id FOR UPDATE
)"""
_FAMILIES_OPENED_SINCE = """
WITH families AS (
    SELECT f.family_id FROM tokens_tokenfamily f
    JOIN tokens_session s ON s.id = f.session_id
    WHERE f.user_id = %(user_id)s AND s.created_at >= %(since)s AND NOT f.is_revoked
    ORDER BY f.family_id FOR UPDATE OF f
)"""
_FAMILY = """
WITH families AS (
    SELECT f.family_id FROM tokens_tokenfamily f WHERE f.family_id = %(family_id)s AND NOT f.is_revoked FOR UPDATE
)"""
_FAMILIES_OF_REFUSED_EPOCHS = """
WITH families AS (
    SELECT f.family_id FROM tokens_tokenfamily f
    WHERE NOT f.is_revoked AND f.family_id IN (
        SELECT o.family_id FROM tokens_tokenfamily o JOIN tokens_refreshkeyepoch e ON o.key_epoch < e.minimum
        WHERE NOT o.is_revoked LIMIT %(limit)s)
    ORDER BY f.family_id FOR UPDATE
)"""
_FAMILY_OF_REFRESH_TOKEN = """
WITH families AS (
    SELECT f.family_id FROM tokens_tokenfamily f
    WHERE f.family_id = %(family_id)s AND %(digest)s IN (f.token_hash, f.previous_token_hash) AND NOT f.is_revoked
      AND NOT EXISTS (SELECT FROM tokens_refreshkeyepoch e WHERE e.minimum > %(key_epoch)s)
    FOR UPDATE
)"""
# An access token is accepted as long as it, its family and its key live. Its signature was verified before.
_FAMILY_OF_ACCESS_TOKEN = """
WITH families AS (
    SELECT f.family_id FROM tokens_tokenfamily f
    WHERE f.family_id = %(family_id)s AND f.session_id = %(session_id)s AND f.user_id = %(user_id)s
      AND NOT f.is_revoked AND f.expires_at > %(now)s AND %(token_expires_at)s > %(now)s
      AND EXISTS (SELECT FROM tokens_signingkey k
                  WHERE k.kid = %(kid)s AND (k.expires_at IS NULL OR k.expires_at > %(now)s))
    FOR UPDATE
)"""
_FAMILIES_OF_BEARER = """
WITH families AS (
    SELECT f.family_id FROM tokens_tokenfamily f
    WHERE f.user_id = %(user_id)s AND NOT f.is_revoked
      AND EXISTS (SELECT FROM tokens_tokenfamily b
                  WHERE b.family_id = %(family_id)s AND b.session_id = %(session_id)s AND b.user_id = %(user_id)s
                    AND NOT b.is_revoked AND b.expires_at > %(now)s AND %(token_expires_at)s > %(now)s)
      AND EXISTS (SELECT FROM tokens_signingkey k
                  WHERE k.kid = %(kid)s AND (k.expires_at IS NULL OR k.expires_at > %(now)s))
    ORDER BY f.family_id FOR UPDATE OF f
)"""

_END_FAMILIES = """, revoked AS (
    UPDATE tokens_tokenfamily f SET is_revoked = TRUE, revoked_at = %(now)s, revoke_reason = %(reason)s
    FROM families WHERE f.family_id = families.family_id RETURNING f.family_id, f.session_id, f.user_id
), ended AS (
    UPDATE tokens_session s SET ended_at = %(now)s, end_reason = %(reason)s
    FROM revoked WHERE s.id = revoked.session_id AND s.ended_at IS NULL
    RETURNING s.id AS session_id, revoked.family_id, revoked.user_id
), event AS (
    {event}
)
SELECT session_id, family_id, user_id FROM ended
"""
_COLUMNS = {"session_id": "ended.session_id", "family_id": "ended.family_id", "target_id": "ended.user_id::text"}
_ENDED = append_sql(source="ended", columns=_COLUMNS)
_ENDED_BY_OWNER = append_sql(source="ended", columns={**_COLUMNS, "actor_id": "ended.user_id::text"})


class _EndedSession(NamedTuple):
    session_id: UUID
    family_id: UUID
    user_id: Any


def log_out(*, claims: AccessClaims, everywhere: bool = False, now: datetime) -> int:
    """End the session of an access token, or all sessions of its user; return how many ended.

    The same statement decides whether the token is still accepted: the result is 0 if it is not.
    """
    ended = _end(
        _FAMILIES_OF_BEARER if everywhere else _FAMILY_OF_ACCESS_TOKEN,
        _access_token_parameters(claims),
        reason=end_reasons.LOGOUT_ALL if everywhere else end_reasons.LOGOUT,
        now=now,
    )
    return len(ended)


def end_session(
    *,
    session_id: UUID,
    user_id: Any,
    reason: EndReason,
    actor: Subject = NO_SUBJECT,
    note: str = "",
    now: datetime,
) -> bool:
    """End one session of a user; return whether it was live. ``note`` is the administrator's reason."""
    parameters = {"session_id": session_id, "user_id": user_id}
    return bool(_end(_FAMILY_OF_SESSION, parameters, reason=reason, actor=actor, note=note, now=now))


def end_sessions(
    *,
    user_id: Any,
    reason: EndReason,
    keep_session_id: UUID | None = None,
    actor: Subject = NO_SUBJECT,
    note: str = "",
    now: datetime,
) -> int:
    """End all sessions of a user except ``keep_session_id``; return how many ended."""
    parameters = {"user_id": user_id, "kept_session_id": keep_session_id}
    return len(_end(_FAMILIES_OF_USER, parameters, reason=reason, actor=actor, note=note, now=now))


def end_sessions_opened_since(*, user_id: Any, since: datetime, reason: EndReason, now: datetime) -> int:
    """End the sessions of a user that were opened at or after a moment; return how many ended."""
    return len(_end(_FAMILIES_OPENED_SINCE, {"user_id": user_id, "since": since}, reason=reason, now=now))


def end_sessions_of_refused_epochs(*, limit: int, note: str, now: datetime) -> int:
    """End at most ``limit`` sessions whose refresh token's key epoch is refused; return how many ended."""
    ended = _end(_FAMILIES_OF_REFUSED_EPOCHS, {"limit": limit}, reason=end_reasons.ADMINISTRATOR, note=note, now=now)
    return len(ended)


def revoke_token(*, presented: str, client_id: UUID | None = None, now: datetime) -> bool:
    """End the session of a token that its client revokes; return whether it was live (RFC 7009, 2.1).

    Only a token that would still be accepted ends a session: one from an old log does not. The token of a service
    client has no session: it alone is refused from then on.

    ``client_id`` is the service client that has authenticated. It revokes its own tokens only, and learns nothing about
    others: RFC 7009, 2.1 would tell it that a token belongs to another client.
    """
    if client_id is not None:
        return _revoke_own_token(presented, client_id, now=now)
    refresh = secrets.parse_refresh_token(presented)
    if refresh is not None:
        parameters = {"family_id": refresh.family_id, "digest": refresh.digest, "key_epoch": refresh.key_epoch}
        return bool(_end(_FAMILY_OF_REFRESH_TOKEN, parameters, reason=end_reasons.TOKEN_REVOKED, now=now))
    try:
        access = decode_access_token(presented)
    except AccessTokenInvalid:
        return False
    if isinstance(access, ServiceClaims):
        return service_tokens.revoke(claims=access, now=now)
    parameters = _access_token_parameters(access)
    return bool(_end(_FAMILY_OF_ACCESS_TOKEN, parameters, reason=end_reasons.TOKEN_REVOKED, now=now))


def _revoke_own_token(presented: str, client_id: UUID, *, now: datetime) -> bool:
    try:
        access = decode_access_token(presented)
    except AccessTokenInvalid:
        return False
    if not isinstance(access, ServiceClaims) or access.client_id != client_id:
        return False
    return service_tokens.revoke(claims=access, now=now)


def mark_compromised(
    *, family_id: UUID, generation: int, evidence: Mapping[str, Any] | None = None, now: datetime
) -> bool:
    """End the session whose superseded refresh token was used, and send ``family_compromised`` (RFC 9700, 4.14.2).

    ``evidence`` is what the event says beside the generation; nothing that is done here depends on it.

    This commits before the caller refuses the request, because the refusal must not undo it. Of several requests that
    detect the theft at once, one ends the session and sends the signal. It sends it before the commit, so that a
    receiver can enqueue a mail in the same transaction and no crash loses it.
    """
    with transaction.atomic():
        ended = _end(
            _FAMILY,
            {"family_id": family_id},
            event_type=event_types.TOKEN_REUSE_DETECTED,
            outcome=Outcome.FAILURE,
            reason=end_reasons.REUSE_DETECTED,
            data={"presented_generation": generation, **(evidence or {})},
            now=now,
        )
        for session in ended:
            signals.send_isolated(signals.family_compromised, name="family_compromised", **session._asdict())
    for session in ended:
        log.warning(
            "refresh_token_reused",
            session_id=str(session.session_id),
            family_id=str(session.family_id),
            presented_generation=generation,
        )
    return bool(ended)


def _access_token_parameters(claims: AccessClaims) -> dict[str, Any]:
    return {
        "user_id": claims.user_id,
        "family_id": claims.family_id,
        "session_id": claims.session_id,
        "token_expires_at": claims.expires_at,
        "kid": claims.kid,
    }


def _end(
    families: str,
    parameters: Mapping[str, Any],
    *,
    reason: EndReason,
    event_type: EventType = event_types.SESSION_REVOKED,
    outcome: Outcome = Outcome.SUCCESS,
    actor: Subject = NO_SUBJECT,
    note: str = "",
    data: Mapping[str, Any] | None = None,
    now: datetime,
) -> list[_EndedSession]:
    """End the families that the CTE ``families`` locks, with an event for each.

    If no actor is given and users end sessions for this reason, the event's actor is the session's owner.
    """
    code = end_reasons.code_of(reason)
    is_by_owner = not actor.id and reason.initiated_by is InitiatingEntity.USER
    event = AppendedEvent(
        event_type,
        actor=actor,
        target=_owner_named_in(note, parameters.get("user_id")),
        outcome=outcome,
        data={"reason": code, **({"note": note} if note else {}), **(data or {})},
        reasons=[code] if outcome is Outcome.FAILURE else (),
        now=now,
    )
    statement = complete(families + _END_FAMILIES, event=_ENDED_BY_OWNER if is_by_owner else _ENDED)
    rows = run_frequent(statement, {"now": now, "reason": code, **parameters, **event.params})
    ended = [_EndedSession._make(values) for values in rows]
    for session in ended:
        event.announce(session_id=session.session_id, family_id=session.family_id, target_id=session.user_id)
    return ended


def _owner_named_in(note: str, user_id: Any) -> Subject:
    """Return the owner of the sessions if there is a note: the event masks their names in it."""
    owner = get_user_model()._default_manager.filter(pk=user_id).first() if note and user_id else None
    return users.subject_of(owner) if owner else NO_SUBJECT
