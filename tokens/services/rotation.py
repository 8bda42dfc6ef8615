"""Exchange a refresh token for its one successor, and see when it was stolen."""

from datetime import datetime
from functools import lru_cache

from cedrina_base.prepared_statements import prepared_cursor
from cedrina_base.signed_tokens import token_digest
from security_events.catalogue import EventType
from security_events.services.recording import Rider
from tokens import published, secrets, users
from tokens.conf import token_settings
from tokens.epochs import refresh_epochs
from tokens.errors import RefreshTokenInvalid
from tokens.services import repeats
from tokens.services.signing import sign_pair
from tokens.types import ClientContext, RefreshClaims, TokenPair

# Presenting a token proves that its holder received it, so the generation before the new one is confirmed. A generation
# that was never repeated sets the counts of repeats back. A process that does not know the newest epoch exchanges
# nothing.
_ADVANCE = """
WITH moved AS (
    UPDATE tokens_tokenfamily f SET
        token_hash = %(successor)s, previous_token_hash = f.token_hash, generation = f.generation + 1,
        confirmed_generation = f.generation, rotated_at = clock.now, key_epoch = %(key_epoch)s,
        client_network = %(network)s, client_kind = %(kind)s, repeated_at = NULL, is_foreign_repeated = FALSE,
        repeats = CASE WHEN f.repeated_at IS NULL THEN 0 ELSE f.repeats END,
        foreign_repeats = CASE WHEN f.repeated_at IS NULL THEN 0 ELSE f.foreign_repeats END,
        expires_at = LEAST(clock.now + %(idle)s, s.expires_at)
    FROM tokens_session s, {users} u, (SELECT COALESCE(%(now)s::timestamptz, statement_timestamp()) AS now) clock
    WHERE f.family_id = %(family_id)s AND f.token_hash = %(presented)s AND NOT f.is_revoked
      AND f.expires_at > clock.now AND s.id = f.session_id AND {user_key} = f.user_id AND {active}
      AND NOT EXISTS (SELECT FROM tokens_refreshkeyepoch e
                      WHERE e.current > %(key_epoch)s OR e.minimum > %(presented_epoch)s)
    RETURNING f.family_id, f.session_id, f.generation, f.key_epoch, s.amr, s.authenticated_at, f.expires_at,
              clock.now, {signing_kid} AS signing_kid, {columns}, f.user_id AS owner_id
), touched AS (
    UPDATE tokens_session s SET last_activity_at = moved.now FROM moved WHERE s.id = moved.session_id
), event AS (
    {event}
)
SELECT * FROM moved
"""


def rotate(*, presented: str, client: ClientContext = ClientContext(), now: datetime | None = None) -> TokenPair:  # noqa: B008 - frozen
    """Exchange a refresh token for its one successor.

    The exchange is one compare-and-swap with its event: of any number of simultaneous ones exactly one moves the
    family on. The same successor is given again to the tabs of the ``client`` that rotated, for some seconds, and where
    its reply was lost, as often as the budgets of repeats allow. ``now`` is the database's clock when left out.

    Raises: RefreshTokenInvalid, SessionRevoked, SessionExpired, RefreshTokenReused (RFC 9700, 4.14.2).
    """
    claims = secrets.parse_refresh_token(presented)
    if claims is None:
        raise RefreshTokenInvalid(reason="not a token of ours")
    for _attempt in range(3):
        pair = _advance(claims, client, now=now)
        if pair is None:
            pair = repeats.answer(claims=claims, client=client, now=now)
        if pair is not None:
            return pair
    raise RefreshTokenInvalid(family_id=claims.family_id, reason="the family never stood still")


def _advance(claims: RefreshClaims, client: ClientContext, *, now: datetime | None) -> TokenPair | None:
    key_epoch = refresh_epochs.current
    successor = secrets.mint_refresh_token(
        family_id=claims.family_id, generation=claims.generation + 1, key_epoch=key_epoch
    )
    rider = Rider(
        EventType.TOKEN_REFRESHED,
        source="moved",
        now=now,
        family_id=claims.family_id,
        columns={"actor_id": "moved.owner_id::text", "session_id": "moved.session_id"},
        data={"generation": claims.generation + 1},
    )
    parameters = {
        "family_id": claims.family_id,
        "presented": claims.digest,
        "presented_epoch": claims.key_epoch,
        "successor": token_digest(successor),
        "key_epoch": key_epoch,
        "idle": token_settings.SESSION_IDLE_TTL,
        "now": now,
        **repeats.client_digests(client),
        **rider.params,
    }
    with prepared_cursor() as cursor:
        cursor.execute(_statement(rider.sql), parameters)
        row = cursor.fetchone()
    if row is None:
        return None
    lineage = repeats.lineage_of(row[:-1])
    rider.announce(actor_id=lineage.user.pk, session_id=lineage.session_id)
    return sign_pair(lineage, refresh_token=successor)


@lru_cache(maxsize=8)
def _statement(event: str) -> str:
    return _ADVANCE.format(
        users=users.table(),
        user_key=users.key(),
        active=users.active(),
        columns=users.columns(),
        signing_kid=published.signing_kid(now="clock.now"),
        event=event,
    )
