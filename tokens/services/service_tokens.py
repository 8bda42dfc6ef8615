"""Access tokens of service clients: issue, authenticate and revoke them (RFC 6749, 4.4; RFC 9068; RFC 7009)."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from cedrina_base.prepared_statements import prepared_cursor
from security_events.event_cte import AppendedEvent, append_sql
from security_events.types import Subject
from tokens import event_types
from tokens.access_tokens.codec import encode_service_token
from tokens.access_tokens.keyring import NoSigningKey, keyring
from tokens.conf import token_settings
from tokens.errors import AccessTokenExpired, AccessTokenInvalid, ScopeNotAllowed
from tokens.refresh_tokens.secrets import jittered
from tokens.service_clients.scopes import SCOPES, scope_text
from tokens.services import keys
from tokens.services.client_authentication import AuthenticatedClient
from tokens.types import ServiceCaller, ServiceClaims, ServicePrincipal, ServiceToken

# How old last_used_at may get while a client is in use.
_RECORD_USE_EVERY = timedelta(minutes=1)

_READ_CLIENT = """
SELECT c.name, c.scopes, c.role_grants, c.last_used_at,
       c.is_enabled AND c.token_generation = %(generation)s
           AND NOT EXISTS (SELECT FROM tokens_revokedservicetoken r WHERE r.jti = %(jti)s) AS is_live,
       EXISTS (SELECT FROM tokens_signingkey k
               WHERE k.kid = %(kid)s AND (k.expires_at IS NULL OR k.expires_at > %(now)s)) AS is_key_published
FROM tokens_serviceclient c WHERE c.id = %(client_id)s
"""
_RECORD_USE = """
UPDATE tokens_serviceclient SET last_used_at = GREATEST(last_used_at, %(now)s)
WHERE id = %(client_id)s AND (last_used_at IS NULL OR last_used_at <= %(before)s)
"""
# Only a token that would still be accepted is stored, so the table holds no more rows than tokens were issued lately.
_REVOKE = f"""
WITH revoked AS (
    INSERT INTO tokens_revokedservicetoken (jti, client_id, expires_at)
    SELECT %(jti)s, c.id, %(expires_at)s FROM tokens_serviceclient c
    WHERE c.id = %(client_id)s AND c.token_generation = %(generation)s AND c.is_enabled AND %(expires_at)s > %(now)s
    ON CONFLICT DO NOTHING
    RETURNING jti
), event AS (
    {append_sql(source="revoked")}
)
SELECT jti FROM revoked
"""  # noqa: S608 - parts of our own


class _ClientRow(NamedTuple):
    name: str
    scopes: list[str]
    role_grants: str
    last_used_at: datetime | None
    is_live: bool
    is_key_published: bool


class ServiceAuthenticationResult(NamedTuple):
    """The client of a token as a caller, and what the token says."""

    caller: ServiceCaller
    principal: ServicePrincipal


def issue(*, client: AuthenticatedClient, scope: str | None, now: datetime) -> ServiceToken:
    """Return an access token for an authenticated client, with all of its scopes or with those of ``scope``.

    Raises: ScopeNotAllowed (RFC 6749, 3.3 and 5.2).
    """
    scopes = _granted(client.scopes, scope)
    issued_at = datetime.fromtimestamp(int(now.timestamp()), UTC)
    lifetime = jittered(token_settings.ACCESS_TTL)
    claims = ServiceClaims(
        client_id=client.client_id,
        scopes=scopes,
        generation=client.token_generation,
        jti=uuid.uuid4(),
        issued_at=issued_at,
        expires_at=issued_at + lifetime,
    )
    try:
        signed = encode_service_token(claims, kid=client.signing_kid)
    except NoSigningKey:
        keys.ensure_first(now=now)
        signed = encode_service_token(claims, kid=None)
    return ServiceToken(signed, int(lifetime.total_seconds()), scope_text(scopes))


def authenticate_claims(*, claims: ServiceClaims, is_use: bool = True, now: datetime) -> ServiceAuthenticationResult:
    """Return the client of a token whose signature is verified, in one query.

    A token has no more scopes than its client has now. ``is_use`` is false if the client is not at work.

    Raises: AccessTokenInvalid, AccessTokenExpired (RFC 9068, 4).
    """
    parameters: dict[str, Any] = {
        "client_id": claims.client_id,
        "generation": claims.generation,
        "jti": claims.jti,
        "kid": claims.kid,
        "now": now,
    }
    with prepared_cursor() as cursor:
        cursor.execute(_READ_CLIENT, parameters)
        values = cursor.fetchone()
    row = _ClientRow._make(values) if values is not None else None
    if row is None or not row.is_live:
        raise AccessTokenInvalid(client_id=claims.client_id, reason="its client is disabled, or it was revoked")
    if not row.is_key_published:
        keyring.expire()
        raise AccessTokenInvalid(client_id=claims.client_id, reason="its key was withdrawn")
    if claims.expires_at <= now:
        raise AccessTokenExpired(client_id=claims.client_id)
    if is_use:
        record_use(client_id=claims.client_id, last_used_at=row.last_used_at, now=now)
    scopes = claims.scopes & declared(row.scopes)
    principal = ServicePrincipal(claims.client_id, scopes, claims.jti, claims.issued_at, claims.expires_at)
    return ServiceAuthenticationResult(ServiceCaller(claims.client_id, row.name, scopes, row.role_grants), principal)


def revoke(*, claims: ServiceClaims, now: datetime) -> bool:
    """Refuse one token from now on; return whether it was accepted until now (RFC 7009, 2.1)."""
    client = Subject(id=str(claims.client_id))
    event = AppendedEvent(
        event_types.SERVICE_CLIENT_TOKEN_REVOKED, actor=client, target=client, data={"jti": str(claims.jti)}, now=now
    )
    parameters = {
        "jti": claims.jti,
        "client_id": claims.client_id,
        "generation": claims.generation,
        "expires_at": claims.expires_at,
        "now": now,
        **event.params,
    }
    with prepared_cursor() as cursor:
        cursor.execute(_REVOKE, parameters)
        is_revoked = cursor.fetchone() is not None
    if is_revoked:
        event.announce()
    return is_revoked


def record_use(*, client_id: uuid.UUID, last_used_at: datetime | None, now: datetime) -> None:
    """Record that a client was at work, at most once a minute."""
    before = now - _RECORD_USE_EVERY
    if last_used_at is None or last_used_at <= before:
        with prepared_cursor() as cursor:
            cursor.execute(_RECORD_USE, {"client_id": client_id, "now": now, "before": before})


def declared(scopes: list[str] | frozenset[str]) -> frozenset[str]:
    """Return those of a client's scopes that are still declared; an app may have been removed."""
    return frozenset(scopes) & SCOPES.keys()


def _granted(own: frozenset[str], wanted: str | None) -> frozenset[str]:
    names = frozenset(wanted.split(" ")) if wanted else declared(own)
    if not names or not names <= declared(own):
        raise ScopeNotAllowed(scope=wanted)
    return names
