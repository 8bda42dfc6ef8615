"""Answer a refresh token that is not the current one of its family: return its successor again, or refuse."""

from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import structlog
from django.db import connection, transaction

from cedrina_base.prepared_statements import prepared_cursor
from cedrina_base.signed_tokens import token_digest
from security_events.catalogue import EventType
from security_events.services import deduplication
from security_events.types import Outcome
from tokens import devices, end_reasons, event_types, signals, users
from tokens.conf import token_settings
from tokens.errors import RefreshTokenInvalid, RefreshTokenReused, SessionExpired, SessionRevoked
from tokens.refresh_tokens import reuse_detection, secrets
from tokens.refresh_tokens.key_epochs import refresh_epochs
from tokens.refresh_tokens.reuse_detection import FamilyState, RefreshTokenStatus, RepeatCounts, RepeatLimits
from tokens.services import reuse_evidence, revocation
from tokens.services.signing import sign_pair
from tokens.statements import complete, split_row
from tokens.types import ClientContext, RefreshClaims, TokenGrant, TokenPair

_AFTER_END = "reused_after_end"

log = structlog.get_logger(__name__)

_READ_FAMILY = """
SELECT f.session_id, f.token_hash, f.previous_token_hash, f.generation, f.confirmed_generation, f.key_epoch,
       f.rotated_at, f.repeated_at, f.expires_at,
       f.is_revoked OR s.ended_at IS NOT NULL OR NOT {user_is_active} AS is_ended,
       COALESCE(f.client_network = %(network)s, TRUE) AS is_same_network,
       COALESCE(f.client_kind = %(kind)s, TRUE) AS is_same_kind,
       f.repeats, f.foreign_repeats, f.is_foreign_repeated,
       COALESCE(f.revoke_reason = %(reuse)s, FALSE) AS is_reuse_known, s.amr, s.authenticated_at,
       e.current AS current_epoch, e.minimum AS minimum_epoch, {signing_kid} AS signing_kid, {user_columns}
FROM tokens_tokenfamily f
JOIN tokens_session s ON s.id = f.session_id
JOIN {user_table} u ON {user_pk} = f.user_id
LEFT JOIN tokens_refreshkeyepoch e ON TRUE
WHERE f.family_id = %(family_id)s
"""
_READ_AND_LOCK_FAMILY = _READ_FAMILY + "FOR UPDATE OF f"

_COUNT_REPEAT = """
UPDATE tokens_tokenfamily SET repeats = %(repeats)s, foreign_repeats = %(foreign_repeats)s,
    is_foreign_repeated = %(is_foreign_counted)s, repeated_at = %(now)s, client_network = %(network)s,
    client_kind = %(kind)s
WHERE family_id = %(family_id)s
"""


class _FamilyRow(NamedTuple):
    session_id: UUID
    token_hash: bytes
    previous_token_hash: bytes | None
    generation: int
    confirmed_generation: int
    key_epoch: int
    rotated_at: datetime
    repeated_at: datetime | None
    expires_at: datetime
    is_ended: bool
    is_same_network: bool
    is_same_kind: bool
    repeats: int
    foreign_repeats: int
    is_foreign_repeated: bool
    is_reuse_known: bool
    amr: list[str]
    authenticated_at: datetime
    current_epoch: int | None
    minimum_epoch: int | None
    signing_kid: str | None


class _FamilySnapshot(NamedTuple):
    """A family as one statement read it."""

    state: FamilyState
    grant: TokenGrant
    current_epoch: int | None
    minimum_epoch: int | None


def answer(*, claims: RefreshClaims, client: ClientContext, now: datetime) -> TokenPair | None:
    """Return the successor again, or ``None`` if the token has become the current one and can be rotated.

    Raises: RefreshTokenInvalid, SessionRevoked, SessionExpired, RefreshTokenReused (RFC 9700, 4.14.2).
    """
    family = _read(_READ_FAMILY, claims, client, now=now)
    context = {"family_id": claims.family_id}
    if family is not None and refresh_epochs.update(current=family.current_epoch, minimum=family.minimum_epoch):
        return None
    status = _classify(claims, family, now=now)
    if status is RefreshTokenStatus.REVOKED:
        if family is not None:
            _report_signs_of_theft(claims, family, now=now)
        raise SessionRevoked(**context)
    if status is RefreshTokenStatus.EXPIRED:
        raise SessionExpired(**context)
    if not refresh_epochs.accepts(claims.key_epoch):
        _record_rejection(claims, family, reason="epoch_refused", now=now)
        raise RefreshTokenInvalid(**context, reason="made with a key that is no longer accepted")
    if status is RefreshTokenStatus.CURRENT:
        return None
    if status is RefreshTokenStatus.UNKNOWN or family is None:
        _record_rejection(claims, family, reason="generation_ahead" if family else "unknown_family", now=now)
        raise RefreshTokenInvalid(**context, reason="no such token was issued")
    if status is RefreshTokenStatus.REUSED:
        evidence = reuse_evidence.evidence_of(
            claims, family.state, user_id=family.grant.user.pk, client=client, now=now
        )
        revocation.mark_compromised(
            family_id=claims.family_id, generation=claims.generation, evidence=evidence, now=now
        )
        raise RefreshTokenReused(**context)
    if status is RefreshTokenStatus.LOST_REPLY:
        return _answer_lost_reply(claims, client, now=now)
    current = _current_token(family)
    _record_repeat(family, status, event_types.TOKEN_REPEATED, now=now)
    return sign_pair(family.grant, refresh_token=current)


def _report_signs_of_theft(claims: RefreshClaims, family: _FamilySnapshot, *, now: datetime) -> None:
    """Report what a token of an ended family shows, if anything.

    A key epoch that is refused says nothing about the session: whoever has its secret can make such tokens.
    """
    if not refresh_epochs.accepts(claims.key_epoch):
        return
    if reuse_detection.is_reuse_of_ended(claims, family.state, now=now):
        _report_reuse_of_ended(claims, family, now=now)
    if reuse_detection.is_held_by_another(claims, family.state, now=now):
        _record_confirmation(claims, family, now=now)


def _report_reuse_of_ended(claims: RefreshClaims, family: _FamilySnapshot, *, now: datetime) -> None:
    """Report a copied token whose session had ended, once a minute. Nobody gets in by it, but its owner should know."""
    user, session_id, family_id = family.grant.user, family.grant.session_id, claims.family_id
    with transaction.atomic():
        recorded = deduplication.record(
            event_types.TOKEN_REUSE_DETECTED,
            target=users.subject_of(user),
            session_id=session_id,
            family_id=family_id,
            reasons=[_AFTER_END],
            data={"reason": _AFTER_END, "presented_generation": claims.generation},
            now=now,
        )
        if recorded is None:
            return
        signals.send_isolated(
            signals.reused_after_end,
            name="reused_after_end",
            user_id=user.pk,
            session_id=session_id,
            family_id=family_id,
        )
    log.warning("refresh_token_reused_after_end", session_id=str(session_id), family_id=str(family_id))


def _record_confirmation(claims: RefreshClaims, family: _FamilySnapshot, *, now: datetime) -> None:
    """Record, once a minute, that both tokens of a reuse are in use: a restored backup alone can't explain it."""
    deduplication.record(
        event_types.TOKEN_REUSE_CONFIRMED,
        target=users.subject_of(family.grant.user),
        session_id=family.grant.session_id,
        family_id=claims.family_id,
        data={"presented_generation": claims.generation},
        now=now,
    )


def _answer_lost_reply(claims: RefreshClaims, client: ClientContext, *, now: datetime) -> TokenPair | None:
    """Count the repeat under a lock of the row, so that of simultaneous repeats one counts.

    The row is classified once more, since it may have changed before the lock was obtained.
    """
    with transaction.atomic():
        family = _read(_READ_AND_LOCK_FAMILY, claims, client, now=now)
        if family is None or _classify(claims, family, now=now) is not RefreshTokenStatus.LOST_REPLY:
            return None
        current = _current_token(family)
        counts = reuse_detection.count_repeat(family.state)
        _store_counts(claims, counts, client, now=now)
        is_elsewhere = family.state.differs_in_network_and_kind
        event_type = event_types.TOKEN_REPEATED_ELSEWHERE if is_elsewhere else event_types.TOKEN_REPEATED
        _record_repeat(family, RefreshTokenStatus.LOST_REPLY, event_type, counts=counts, now=now)
        if is_elsewhere:
            signals.send_isolated(
                signals.repeated_elsewhere,
                name="repeated_elsewhere",
                user_id=family.grant.user.pk,
                session_id=family.grant.session_id,
                family_id=claims.family_id,
                client=client,
                now=now,
            )
    if is_elsewhere:
        log.warning(
            "refresh_token_repeated_elsewhere",
            session_id=str(family.grant.session_id),
            family_id=str(claims.family_id),
        )
    return sign_pair(family.grant, refresh_token=current)


def _classify(claims: RefreshClaims, family: _FamilySnapshot | None, *, now: datetime) -> RefreshTokenStatus:
    limits = RepeatLimits(
        race=token_settings.REFRESH_RACE_TTL,
        lost_reply=token_settings.REFRESH_LOST_REPLY_TTL,
        own_repeats=token_settings.REFRESH_OWN_REPEATS,
        foreign_repeats=token_settings.REFRESH_FOREIGN_REPEATS,
    )
    return reuse_detection.classify(claims, family.state if family else None, limits=limits, now=now)


def _current_token(family: _FamilySnapshot) -> str:
    """Return the current token of the family. It is not stored, but computed again from its claims."""
    grant = family.grant
    candidates = secrets.refresh_tokens_by_secret(
        family_id=grant.family_id, generation=grant.generation, key_epoch=grant.key_epoch
    )
    for token in candidates:
        if token_digest(token) == family.state.token_hash:
            return token
    raise RefreshTokenInvalid(family_id=grant.family_id, reason="made with a secret that is no longer configured")


def _store_counts(claims: RefreshClaims, counts: RepeatCounts, client: ClientContext, *, now: datetime) -> None:
    parameters = {**counts._asdict(), **_digests_of(client), "now": now, "family_id": claims.family_id}
    with connection.cursor() as cursor:
        cursor.execute(_COUNT_REPEAT, parameters)


def _digests_of(client: ClientContext) -> dict[str, bytes]:
    return {"network": devices.network_digest(client.ip_address), "kind": devices.kind_digest(client.user_agent)}


def _record_repeat(
    family: _FamilySnapshot,
    status: RefreshTokenStatus,
    event_type: EventType,
    *,
    counts: RepeatCounts | None = None,
    now: datetime,
) -> None:
    grant = family.grant
    data = {"generation": grant.generation}
    if counts is not None:
        data |= {"repeats": counts.repeats, "foreign_repeats": counts.foreign_repeats}
    deduplication.record(
        event_type,
        actor=users.subject_of(grant.user),
        outcome=Outcome.SUCCESS,
        session_id=grant.session_id,
        family_id=grant.family_id,
        reasons=[str(status)],
        data=data,
        now=now,
    )


def _record_rejection(claims: RefreshClaims, family: _FamilySnapshot | None, *, reason: str, now: datetime) -> None:
    deduplication.record(
        event_types.TOKEN_REFRESH_REJECTED,
        family_id=claims.family_id,
        now=now,
        session_id=family.grant.session_id if family else None,
        reasons=[reason],
        data={"generation": claims.generation},
    )


def _read(statement: str, claims: RefreshClaims, client: ClientContext, *, now: datetime) -> _FamilySnapshot | None:
    parameters: dict[str, Any] = {
        "family_id": claims.family_id,
        "reuse": end_reasons.code_of(end_reasons.REUSE_DETECTED),
        "now": now,
        **_digests_of(client),
    }
    with prepared_cursor() as cursor:
        cursor.execute(complete(statement), parameters)
        values = cursor.fetchone()
    if values is None:
        return None
    row, user = split_row(_FamilyRow, values)
    state = FamilyState(
        token_hash=bytes(row.token_hash),
        previous_token_hash=bytes(row.previous_token_hash) if row.previous_token_hash is not None else None,
        generation=row.generation,
        confirmed_generation=row.confirmed_generation,
        rotated_at=row.rotated_at,
        repeated_at=row.repeated_at,
        expires_at=row.expires_at,
        is_ended=row.is_ended,
        is_same_network=row.is_same_network,
        is_same_kind=row.is_same_kind,
        repeats=row.repeats,
        foreign_repeats=row.foreign_repeats,
        is_foreign_counted=row.is_foreign_repeated,
        is_reuse_known=row.is_reuse_known,
    )
    grant = TokenGrant(
        family_id=claims.family_id,
        session_id=row.session_id,
        user=user,
        generation=row.generation,
        key_epoch=row.key_epoch,
        amr=tuple(row.amr),
        authenticated_at=row.authenticated_at,
        expires_at=row.expires_at,
        now=now,
        signing_kid=row.signing_kid,
    )
    return _FamilySnapshot(state, grant, row.current_epoch, row.minimum_epoch)
