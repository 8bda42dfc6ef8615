"""Exchange a refresh token for its one successor, and detect that it was stolen (RFC 9700, 4.14.2)."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from cedrina_base.prepared_statements import run_frequent
from cedrina_base.signed_tokens import token_digest
from security_events.event_cte import AppendedEvent, append_sql
from tokens import devices, event_types, measures
from tokens.conf import token_settings
from tokens.errors import RefreshTokenInvalid, RefreshTokenReused, SessionExpired, SessionRevoked, TokenError
from tokens.refresh_tokens import secrets
from tokens.refresh_tokens.key_epochs import refresh_epochs
from tokens.services import superseded_tokens
from tokens.services.signing import sign_pair
from tokens.statements import complete, split_row
from tokens.types import ClientContext, RefreshClaims, TokenGrant, TokenPair

_ATTEMPTS = 3
_VERDICTS: dict[type[TokenError], str] = {
    RefreshTokenReused: measures.REUSED,
    SessionRevoked: measures.REVOKED,
    SessionExpired: measures.EXPIRED,
    RefreshTokenInvalid: measures.INVALID,
}

# A client that presents a token has received it, so the statement confirms the generation before the new one. If that
# generation was never repeated, the counts of repeats start anew. If the database has a newer key epoch than this
# process, no row matches.
_ROTATE = """
WITH rotated AS (
    UPDATE tokens_tokenfamily f SET
        token_hash = %(successor)s, previous_token_hash = f.token_hash, generation = f.generation + 1,
        confirmed_generation = f.generation, rotated_at = %(now)s, key_epoch = %(key_epoch)s,
        client_network = %(network)s, client_kind = %(kind)s, repeated_at = NULL, is_foreign_repeated = FALSE,
        repeats = CASE WHEN f.repeated_at IS NULL THEN 0 ELSE f.repeats END,
        foreign_repeats = CASE WHEN f.repeated_at IS NULL THEN 0 ELSE f.foreign_repeats END,
        expires_at = LEAST(%(now)s + %(idle)s, s.expires_at)
    FROM tokens_session s, {user_table} u
    WHERE f.family_id = %(family_id)s AND f.token_hash = %(presented)s AND NOT f.is_revoked
      AND f.expires_at > %(now)s AND s.id = f.session_id AND {user_pk} = f.user_id AND {user_is_active}
      AND NOT EXISTS (SELECT FROM tokens_refreshkeyepoch e
                      WHERE e.current > %(key_epoch)s OR e.minimum > %(presented_epoch)s)
    RETURNING f.session_id, f.user_id, f.generation, s.amr, s.authenticated_at, f.expires_at,
              {signing_kid} AS signing_kid, {user_columns}
), used_session AS (
    UPDATE tokens_session s SET last_activity_at = %(now)s FROM rotated WHERE s.id = rotated.session_id
), event AS (
    {event}
)
SELECT * FROM rotated
"""
_REFRESHED = append_sql(
    source="rotated", columns={"actor_id": "rotated.user_id::text", "session_id": "rotated.session_id"}
)


class _RotatedRow(NamedTuple):
    session_id: UUID
    user_id: object
    generation: int
    amr: list[str]
    authenticated_at: datetime
    expires_at: datetime
    signing_kid: str | None


def rotate(*, presented: str, client: ClientContext = ClientContext(), now: datetime) -> TokenPair:  # noqa: B008 - frozen
    """Exchange a refresh token for its one successor.

    The exchange is a compare-and-swap in one statement that also records the event: of any number of simultaneous
    requests with one token exactly one rotates the family. The others get the same successor, if they come from the
    ``client`` that rotated and within ``REFRESH_RACE_TTL``, or if the limits of repeats allow a lost response.

    Raises: RefreshTokenInvalid, SessionRevoked, SessionExpired, RefreshTokenReused (RFC 9700, 4.14.2).
    """
    return rotate_claims(claims=secrets.parse_refresh_token(presented), client=client, now=now)


def rotate_claims(*, claims: RefreshClaims | None, client: ClientContext, now: datetime) -> TokenPair:
    """Do the same for a token that is parsed already; ``None`` stands for a text that is no token of ours.

    Raises: RefreshTokenInvalid, SessionRevoked, SessionExpired, RefreshTokenReused (RFC 9700, 4.14.2).
    """
    try:
        pair, verdict = _exchange(claims, client, now=now)
    except tuple(_VERDICTS) as refusal:
        measures.REFRESHES.count(_VERDICTS[type(refusal)])
        raise
    measures.REFRESHES.count(verdict)
    return pair


def _exchange(claims: RefreshClaims | None, client: ClientContext, *, now: datetime) -> tuple[TokenPair, str]:
    if claims is None:
        raise RefreshTokenInvalid(reason="not a token of ours")
    for _attempt in range(_ATTEMPTS):
        if (pair := _rotate(claims, client, now=now)) is not None:
            return pair, measures.ROTATED
        if (pair := superseded_tokens.answer(claims=claims, client=client, now=now)) is not None:
            return pair, measures.REPEATED
    raise RefreshTokenInvalid(family_id=claims.family_id, reason="the family changed during every attempt")


def _rotate(claims: RefreshClaims, client: ClientContext, *, now: datetime) -> TokenPair | None:
    key_epoch = refresh_epochs.current
    successor = secrets.mint_refresh_token(
        family_id=claims.family_id, generation=claims.generation + 1, key_epoch=key_epoch
    )
    event = AppendedEvent(
        event_types.TOKEN_REFRESHED,
        now=now,
        family_id=claims.family_id,
        data={"generation": claims.generation + 1},
    )
    parameters = {
        "family_id": claims.family_id,
        "presented": claims.digest,
        "presented_epoch": claims.key_epoch,
        "successor": token_digest(successor),
        "key_epoch": key_epoch,
        "network": devices.network_digest(client.ip_address),
        "kind": devices.kind_digest(client.user_agent),
        "idle": token_settings.SESSION_IDLE_TTL,
        "now": now,
        **event.params,
    }
    rotated = run_frequent(complete(_ROTATE, event=_REFRESHED), parameters)
    if not rotated:
        return None
    row, user = split_row(_RotatedRow, rotated[0])
    event.announce(actor_id=row.user_id, session_id=row.session_id)
    grant = TokenGrant(
        family_id=claims.family_id,
        session_id=row.session_id,
        user=user,
        generation=row.generation,
        key_epoch=key_epoch,
        amr=tuple(row.amr),
        authenticated_at=row.authenticated_at,
        expires_at=row.expires_at,
        now=now,
        signing_kid=row.signing_kid,
    )
    return sign_pair(grant, refresh_token=successor)
