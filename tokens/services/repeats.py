"""Answer for a refresh token that is not the present one of its family: give its successor again, or refuse."""

from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple

from django.db import connection, transaction

from cedrina_base.prepared_statements import prepared_cursor
from cedrina_base.signed_tokens import token_digest
from security_events.catalogue import EventType, Outcome
from security_events.services import once_a_minute
from tokens import devices, published, replay, secrets, signals, users
from tokens.conf import token_settings
from tokens.epochs import refresh_epochs
from tokens.errors import RefreshTokenInvalid, RefreshTokenReused, SessionExpired, SessionRevoked
from tokens.replay import Counts, Grace, Standing, Verdict
from tokens.services import revocation
from tokens.services.announcing import announce
from tokens.services.signing import sign_pair
from tokens.types import ClientContext, Lineage, RefreshClaims, TokenPair

_READ = """
SELECT f.token_hash, f.previous_token_hash, f.confirmed_generation, f.rotated_at, f.repeated_at,
       f.is_revoked OR s.ended_at IS NOT NULL OR NOT {active},
       COALESCE(f.client_network = %(network)s, TRUE), COALESCE(f.client_kind = %(kind)s, TRUE),
       f.repeats, f.foreign_repeats, f.is_foreign_repeated, e.current, e.minimum,
       f.family_id, f.session_id, f.generation, f.key_epoch, s.amr, s.authenticated_at, f.expires_at,
       clock.now, {signing_kid}, {columns}
FROM tokens_tokenfamily f
JOIN tokens_session s ON s.id = f.session_id
JOIN {users} u ON {user_key} = f.user_id
CROSS JOIN (SELECT COALESCE(%(now)s::timestamptz, statement_timestamp()) AS now) clock
LEFT JOIN tokens_refreshkeyepoch e ON TRUE
WHERE f.family_id = %(family_id)s
"""
_AND_LOCK = "FOR UPDATE OF f"

_COUNT = """
UPDATE tokens_tokenfamily SET repeats = %(repeats)s, foreign_repeats = %(foreign_repeats)s,
    is_foreign_repeated = %(is_foreign_counted)s, repeated_at = %(now)s, client_network = %(network)s,
    client_kind = %(kind)s
WHERE family_id = %(family_id)s
"""


class Found(NamedTuple):
    """A family as one statement read it."""

    standing: Standing
    lineage: Lineage
    current_epoch: int | None
    minimum_epoch: int | None


def answer(*, claims: RefreshClaims, client: ClientContext, now: datetime | None) -> TokenPair | None:
    """Return the successor again, or ``None`` when the token has become the present one and is worth another try.

    Raises: RefreshTokenInvalid, SessionRevoked, SessionExpired, RefreshTokenReused (RFC 9700, 4.14.2).
    """
    found = _read(claims, client, now=now)
    context = {"family_id": claims.family_id}
    if found is not None and refresh_epochs.learn(current=found.current_epoch, minimum=found.minimum_epoch):
        return None
    verdict = _judge(claims, found)
    if verdict is Verdict.REVOKED:
        raise SessionRevoked(**context)
    if verdict is Verdict.EXPIRED:
        raise SessionExpired(**context)
    if not refresh_epochs.accepts(claims.key_epoch):
        _record_rejection(claims, found.lineage if found else None, reason="epoch_refused", now=now)
        raise RefreshTokenInvalid(**context, reason="made in an epoch that is refused")
    if verdict is Verdict.CURRENT:
        return None
    if verdict is Verdict.UNKNOWN or found is None:
        _record_rejection(
            claims, found.lineage if found else None, reason="generation_ahead" if found else "unknown_family", now=now
        )
        raise RefreshTokenInvalid(**context, reason="no such token was issued")
    if verdict is Verdict.REUSED:
        revocation.mark_compromised(family_id=claims.family_id, generation=claims.generation, now=now)
        raise RefreshTokenReused(**context)
    if verdict is Verdict.LOST_REPLY:
        return _give_lost_reply(claims, client, now=now)
    successor = _made_again(found)
    _record_repeat(found, verdict, EventType.TOKEN_REPEATED, now=now)
    return sign_pair(found.lineage, refresh_token=successor)


def _give_lost_reply(claims: RefreshClaims, client: ClientContext, *, now: datetime | None) -> TokenPair | None:
    """Count the repeat under the row's lock, so that of any number at once one counts; the row is judged once more."""
    with transaction.atomic():
        found = _read(claims, client, lock=_AND_LOCK, now=now)
        if found is None or _judge(claims, found) is not Verdict.LOST_REPLY:
            return None  # it changed while we waited for the lock
        successor = _made_again(found)
        counts = replay.counts_with_repeat(found.standing)
        _count(found.lineage, counts, client)
        is_stranger = found.standing.is_stranger
        event_type = EventType.TOKEN_REPEATED_ELSEWHERE if is_stranger else EventType.TOKEN_REPEATED
        _record_repeat(found, Verdict.LOST_REPLY, event_type, counts=counts, now=now)
        if is_stranger:
            lineage = found.lineage
            announce(
                signals.repeated_elsewhere,
                name="repeated_elsewhere",
                user_id=lineage.user.pk,
                session_id=lineage.session_id,
                family_id=lineage.family_id,
                client=client,
                now=lineage.now,
            )
    return sign_pair(found.lineage, refresh_token=successor)


def _judge(claims: RefreshClaims, found: Found | None) -> Verdict:
    grace = Grace(
        race=token_settings.REFRESH_RACE_TTL,
        lost_reply=token_settings.REFRESH_LOST_REPLY_TTL,
        own_repeats=token_settings.REFRESH_OWN_REPEATS,
        foreign_repeats=token_settings.REFRESH_FOREIGN_REPEATS,
    )
    return replay.judge(claims, found.standing if found else None, grace=grace)


def _made_again(found: Found) -> str:
    """Return the present token of the family. It is not stored, but it can be made again."""
    lineage = found.lineage
    spellings = secrets.spellings(
        family_id=lineage.family_id, generation=lineage.generation, key_epoch=lineage.key_epoch
    )
    for token in spellings:
        if token_digest(token) == found.standing.token_hash:
            return token
    raise RefreshTokenInvalid(family_id=lineage.family_id, reason="made under a secret that is gone")


def _count(lineage: Lineage, counts: Counts, client: ClientContext) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            _COUNT,
            {**counts._asdict(), **client_digests(client), "now": lineage.now, "family_id": lineage.family_id},
        )


def client_digests(client: ClientContext) -> dict[str, bytes]:
    """Return what the row keeps of a client, by the names of the parameters."""
    return {
        "network": devices.network_digest(client.ip_address),
        "kind": devices.kind_digest(client.user_agent),
    }


def _record_repeat(
    found: Found, verdict: Verdict, event_type: EventType, *, counts: Counts | None = None, now: datetime | None
) -> None:
    lineage = found.lineage
    data = {"generation": lineage.generation}
    if counts is not None:
        data |= {"repeats": counts.repeats, "foreign_repeats": counts.foreign_repeats}
    once_a_minute.record(
        event_type,
        actor=users.subject_of(lineage.user),
        outcome=Outcome.SUCCESS,
        session_id=lineage.session_id,
        family_id=lineage.family_id,
        reasons=[verdict.name.lower()],
        data=data,
        now=now,
    )


def _record_rejection(claims: RefreshClaims, lineage: Lineage | None, *, reason: str, now: datetime | None) -> None:
    once_a_minute.record(
        EventType.TOKEN_REFRESH_REJECTED,
        family_id=claims.family_id,
        now=now,
        session_id=lineage.session_id if lineage else None,
        reasons=[reason],
        data={"generation": claims.generation},
    )


def _read(claims: RefreshClaims, client: ClientContext, *, lock: str = "", now: datetime | None) -> Found | None:
    with prepared_cursor() as cursor:
        cursor.execute(_statement(lock), {"family_id": claims.family_id, "now": now, **client_digests(client)})
        row = cursor.fetchone()
    if row is None:
        return None
    (
        token_hash,
        previous,
        confirmed,
        rotated_at,
        repeated_at,
        is_ended,
        is_same_network,
        is_same_kind,
        repeats,
        foreign_repeats,
        is_foreign_repeated,
        current_epoch,
        minimum_epoch,
        *lineage_row,
    ) = row
    lineage = lineage_of(lineage_row)
    standing = Standing(
        token_hash=bytes(token_hash),
        previous_token_hash=bytes(previous) if previous is not None else None,
        generation=lineage.generation,
        confirmed_generation=confirmed,
        rotated_at=rotated_at,
        repeated_at=repeated_at,
        expires_at=lineage.expires_at,
        is_ended=is_ended,
        now=lineage.now,
        is_same_network=is_same_network,
        is_same_kind=is_same_kind,
        repeats=repeats,
        foreign_repeats=foreign_repeats,
        is_foreign_counted=is_foreign_repeated,
    )
    return Found(standing, lineage, current_epoch, minimum_epoch)


def lineage_of(row: Any) -> Lineage:
    """Build what new tokens depend on from the columns that both statements return."""
    family_id, session_id, generation, key_epoch, amr, authenticated_at, expires_at, now, signing_kid, *columns = row
    return Lineage(
        family_id=family_id,
        session_id=session_id,
        user=users.from_row(columns),
        generation=generation,
        key_epoch=key_epoch,
        amr=tuple(amr),
        authenticated_at=authenticated_at,
        expires_at=expires_at,
        now=now,
        signing_kid=signing_kid,
    )


@lru_cache(maxsize=2)
def _statement(lock: str) -> str:
    return f"{_READ} {lock}".format(
        users=users.table(),
        user_key=users.key(),
        active=users.active(),
        columns=users.columns(),
        signing_kid=published.signing_kid(now="clock.now"),
    )
