"""Exchange a refresh token for its one successor, and see when it was stolen."""

from datetime import datetime
from functools import lru_cache
from typing import Any

from django.db import transaction

from security_events.catalogue import EventType, Outcome
from security_events.services import recording
from security_events.services.recording import Rider
from security_events.statements import prepared_cursor
from tokens import secrets, users
from tokens.conf import token_settings
from tokens.errors import RefreshTokenInvalid, RefreshTokenReused, SessionExpired, SessionRevoked
from tokens.models import TokenFamily
from tokens.replay import Standing, Verdict, judge
from tokens.services import revocation
from tokens.services.signing import sign_pair
from tokens.types import Lineage, RefreshClaims, TokenPair

_LINEAGE = "f.family_id, f.session_id, f.generation, f.key_epoch, s.amr, s.authenticated_at, f.expires_at"

# Presenting a token proves that its holder received it, so the generation before the new one is confirmed.
_ADVANCE = """
WITH moved AS (
    UPDATE tokens_tokenfamily f SET
        token_hash = %(successor)s, previous_token_hash = f.token_hash, generation = f.generation + 1,
        confirmed_generation = f.generation, rotated_at = clock.now,
        expires_at = LEAST(clock.now + %(idle)s, s.expires_at)
    FROM tokens_session s, {users} u, (SELECT COALESCE(%(now)s::timestamptz, statement_timestamp()) AS now) clock
    WHERE f.family_id = %(family_id)s AND f.token_hash = %(presented)s AND NOT f.is_revoked
      AND f.expires_at > clock.now AND s.id = f.session_id AND {user_key} = f.user_id AND {active}
    RETURNING {lineage}, clock.now, f.user_id, {columns}
), touched AS (
    UPDATE tokens_session s SET last_activity_at = moved.now FROM moved WHERE s.id = moved.session_id
), event AS (
    {event}
)
SELECT * FROM moved
"""

_READ = """
SELECT f.token_hash, f.previous_token_hash, f.confirmed_generation, f.rotated_at,
       GREATEST(f.rotated_at, f.repeated_at), f.is_revoked OR s.ended_at IS NOT NULL OR NOT {active},
       {lineage}, COALESCE(%(now)s::timestamptz, statement_timestamp()) AS now, f.user_id, {columns}
FROM tokens_tokenfamily f JOIN tokens_session s ON s.id = f.session_id JOIN {users} u ON {user_key} = f.user_id
WHERE f.family_id = %(family_id)s
"""


def rotate(*, presented: str, now: datetime | None = None) -> TokenPair:
    """Exchange a refresh token for its one successor.

    The exchange is one compare-and-swap with its event: of any number of simultaneous ones exactly one moves the
    family on, and everybody else who is entitled gets the same successor. ``now`` is the database's clock when left
    out.

    Raises: RefreshTokenInvalid, SessionRevoked, SessionExpired, RefreshTokenReused (RFC 9700, 4.14.2).
    """
    claims = secrets.parse_refresh_token(presented)
    if claims is None:
        raise RefreshTokenInvalid(reason="not a token of ours")
    for _attempt in range(3):
        pair = _advance(claims, now=now)
        if pair is None:
            pair = _repeat_or_refuse(claims, now=now)
        if pair is not None:
            return pair
    raise RefreshTokenInvalid(family_id=claims.family_id, reason="the family never stood still")


def _advance(claims: RefreshClaims, *, now: datetime | None) -> TokenPair | None:
    successor = secrets.mint_refresh_token(
        family_id=claims.family_id, generation=claims.generation + 1, key_epoch=claims.key_epoch
    )
    rider = Rider(
        EventType.TOKEN_REFRESHED, source="moved", now=now, family_id=claims.family_id,
        columns={"actor_id": "moved.user_id::text", "session_id": "moved.session_id"},
        data={"generation": claims.generation + 1},
    )  # fmt: skip
    parameters = {
        "family_id": claims.family_id, "presented": claims.digest, "successor": secrets.digest(successor),
        "idle": token_settings.SESSION_IDLE_TTL, "now": now, **rider.params,
    }  # fmt: skip
    with prepared_cursor() as cursor:
        cursor.execute(_statement(_ADVANCE, rider.sql), parameters)
        row = cursor.fetchone()
    if row is None:
        return None
    lineage = _lineage(row)
    rider.announce(actor_id=lineage.user.pk, session_id=lineage.session_id)
    return sign_pair(lineage, refresh_token=successor)


def _repeat_or_refuse(claims: RefreshClaims, *, now: datetime | None) -> TokenPair | None:
    """Answer for a token that is not the present one; ``None`` when it has become so and is worth another try."""
    with prepared_cursor() as cursor:
        cursor.execute(_statement(_READ), {"family_id": claims.family_id, "now": now})
        row = cursor.fetchone()
    lineage = _lineage(row[6:]) if row else None
    verdict = judge(
        claims, _standing(row, lineage) if row and lineage else None,
        race=token_settings.REFRESH_RACE_TTL, lost_reply=token_settings.REFRESH_LOST_REPLY_TTL,
    )  # fmt: skip
    context = {"family_id": claims.family_id}
    if verdict is Verdict.CURRENT:
        return None
    if verdict is Verdict.REVOKED:
        raise SessionRevoked(**context)
    if verdict is Verdict.EXPIRED:
        raise SessionExpired(**context)
    if verdict is Verdict.UNKNOWN or lineage is None:
        _record_rejection(claims, lineage, now=now)
        raise RefreshTokenInvalid(**context, reason="no such token was issued")
    if verdict is Verdict.REUSED:
        revocation.mark_compromised(family_id=claims.family_id, generation=claims.generation, now=now)
        raise RefreshTokenReused(**context)
    return _repeat(lineage, token_hash=bytes(row[0]), verdict=verdict, now=now)


def _repeat(lineage: Lineage, *, token_hash: bytes, verdict: Verdict, now: datetime | None) -> TokenPair:
    """Give the present token of the family again. It is not stored, but it can be made again."""
    spellings = secrets.spellings(
        family_id=lineage.family_id, generation=lineage.generation, key_epoch=lineage.key_epoch
    )
    successor = next((token for token in spellings if secrets.digest(token) == token_hash), None)
    if successor is None:
        raise RefreshTokenInvalid(family_id=lineage.family_id, reason="made under a secret that is gone")
    with transaction.atomic():
        if verdict is Verdict.LOST_REPLY:
            TokenFamily.objects.filter(pk=lineage.family_id, generation=lineage.generation).update(
                repeated_at=lineage.now
            )
        recording.record(
            EventType.TOKEN_REPEATED, actor=users.subject_of(lineage.user),
            session_id=lineage.session_id, family_id=lineage.family_id, reasons=[verdict.name.lower()], now=now,
            data={"generation": lineage.generation},
        )  # fmt: skip
    return sign_pair(lineage, refresh_token=successor)


def _record_rejection(claims: RefreshClaims, lineage: Lineage | None, *, now: datetime | None) -> None:
    recording.record(
        EventType.TOKEN_REFRESH_REJECTED, outcome=Outcome.FAILURE, family_id=claims.family_id, now=now,
        session_id=lineage.session_id if lineage else None,
        reasons=["generation_ahead" if lineage else "unknown_family"], data={"generation": claims.generation},
    )  # fmt: skip


def _lineage(row: Any) -> Lineage:
    family_id, session_id, generation, key_epoch, amr, authenticated_at, expires_at, now, _user_id, *columns = row
    return Lineage(
        family_id=family_id, session_id=session_id, user=users.from_row(columns), generation=generation,
        key_epoch=key_epoch, amr=tuple(amr), authenticated_at=authenticated_at, expires_at=expires_at, now=now,
    )  # fmt: skip


def _standing(row: Any, lineage: Lineage) -> Standing:
    token_hash, previous, confirmed, rotated_at, given_at, is_ended = row[:6]
    return Standing(
        token_hash=bytes(token_hash), previous_token_hash=bytes(previous) if previous is not None else None,
        generation=lineage.generation, confirmed_generation=confirmed, given_at=given_at,
        rotated_at=rotated_at, expires_at=lineage.expires_at, is_ended=is_ended, now=lineage.now,
    )  # fmt: skip


@lru_cache(maxsize=8)
def _statement(sql: str, event: str = "") -> str:
    return sql.format(
        users=users.table(), user_key=users.key(), active=users.active(), columns=users.columns(), lineage=_LINEAGE,
        event=event,
    )  # fmt: skip
