"""Authenticate service clients, by a secret or by an assertion that they sign (RFC 6749, 2.3; RFC 7523, 2.2)."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from cedrina_base.prepared_statements import prepared_cursor
from cedrina_base.signed_tokens import token_digest
from security_events.services import deduplication
from security_events.types import NO_SUBJECT, Subject
from tokens import event_types
from tokens.errors import ClientAuthenticationFailed
from tokens.models import ClientAuthenticationMethod
from tokens.service_clients.assertions import (
    ClientAssertion,
    VerifiedAssertion,
    parse_assertion,
    parse_client_id,
    verify_assertion,
)
from tokens.statements import complete

# How many assertions of one client may be remembered at a time. A client that wants more has to sign them for a
# shorter time. So the table has a bound for each client, and nobody but the client can fill its part.
MAX_USED_ASSERTIONS = 10_000
# Used assertions are kept this much longer than they are accepted, because the clocks of servers differ.
_KEPT_LONGER = timedelta(minutes=5)

# One statement for any credential and for unknown clients, so that all take equally long.
_READ_CLIENT = """
SELECT c.name, c.scopes, c.role_grants, c.authentication_method, c.jwks::text AS jwks, c.is_enabled, c.token_generation,
       c.last_used_at,
       EXISTS (SELECT FROM tokens_serviceclientsecret s
               WHERE s.client_id = c.id AND s.digest = %(digest)s
                 AND (s.expires_at IS NULL OR s.expires_at > %(now)s)) AS has_secret,
       {signing_kid} AS signing_kid
FROM tokens_serviceclient c WHERE c.id = %(client_id)s
"""
# Of any number of simultaneous requests with one assertion, one inserts its row.
_USE_ASSERTION = """
WITH past AS (
    DELETE FROM tokens_usedassertion WHERE id IN (
        SELECT id FROM tokens_usedassertion WHERE client_id = %(client_id)s AND expires_at < %(now)s
        ORDER BY expires_at LIMIT 100 FOR UPDATE SKIP LOCKED)
)
INSERT INTO tokens_usedassertion (client_id, digest, expires_at)
SELECT %(client_id)s, %(digest)s, %(expires_at)s
WHERE NOT EXISTS (SELECT FROM tokens_usedassertion u
                  WHERE u.client_id = %(client_id)s AND u.expires_at >= %(now)s OFFSET %(most)s)
ON CONFLICT (client_id, digest) DO NOTHING
RETURNING id
"""


@dataclass(frozen=True, slots=True)
class ClientSecret:
    """A client id and a secret, as they were sent; ``method`` is their name in RFC 8414's registry."""

    client_id: str
    secret: str
    method: str


@dataclass(frozen=True, slots=True)
class SignedAssertion:
    """A client assertion as it was sent, and the client id beside it, if there was one (RFC 7521, 4.2)."""

    text: str
    client_id: str | None = None
    method: str = "private_key_jwt"


ClientCredentials = ClientSecret | SignedAssertion


@dataclass(frozen=True, slots=True)
class AuthenticatedClient:
    """A service client that has proved who it is. ``signing_kid`` is the key that signs now."""

    client_id: UUID
    name: str
    scopes: frozenset[str]
    token_generation: int
    last_used_at: datetime | None
    signing_kid: str | None
    role_grants: str


class _ClientRow(NamedTuple):
    name: str
    scopes: list[str]
    role_grants: str
    authentication_method: str
    jwks: str | None
    is_enabled: bool
    token_generation: int
    last_used_at: datetime | None
    has_secret: bool
    signing_kid: str | None


def authenticate(*, credentials: ClientCredentials, audiences: Iterable[str], now: datetime) -> AuthenticatedClient:
    """Return the client whose secret or assertion this is. ``audiences`` are what an assertion may be for.

    Raises: ClientAuthenticationFailed (RFC 6749, 5.2), the same whatever is wrong.
    """
    if isinstance(credentials, ClientSecret):
        client_id, assertion = parse_client_id(credentials.client_id), None
        digest = token_digest(credentials.secret)
    else:
        assertion = parse_assertion(credentials.text)
        client_id, digest = assertion.client_id, b""
        if credentials.client_id not in (None, str(client_id)):
            raise ClientAuthenticationFailed(reason="another_client_id")
    row = _read(client_id, digest, now=now)
    if row is None:
        raise ClientAuthenticationFailed(reason="unknown_client")
    if not row.is_enabled:
        raise ClientAuthenticationFailed(reason="disabled", client_id=client_id)
    if assertion is not None:
        _use_assertion(assertion, row, audiences, now=now)
    elif row.authentication_method != ClientAuthenticationMethod.CLIENT_SECRET or not row.has_secret:
        raise ClientAuthenticationFailed(reason="wrong_secret", client_id=client_id)
    return AuthenticatedClient(
        client_id=client_id,
        name=row.name,
        scopes=frozenset(row.scopes),
        token_generation=row.token_generation,
        last_used_at=row.last_used_at,
        signing_kid=row.signing_kid,
        role_grants=row.role_grants,
    )


def record_failure(*, error: ClientAuthenticationFailed, method: str, now: datetime) -> None:
    """Record a failed authentication; within a minute only the first of a kind (``deduplication``).

    An id that no client has is not recorded: it is whatever somebody has typed there, possibly a secret.
    """
    client_id = error.context.get("client_id")
    deduplication.record(
        event_types.SERVICE_CLIENT_AUTHENTICATION_FAILED,
        target=Subject(id=str(client_id)) if client_id else NO_SUBJECT,
        reasons=[str(error.context["reason"])],
        data={"method": method},
        now=now,
    )


def _read(client_id: UUID, digest: bytes, *, now: datetime) -> _ClientRow | None:
    with prepared_cursor() as cursor:
        cursor.execute(complete(_READ_CLIENT), {"client_id": client_id, "digest": digest, "now": now})
        values = cursor.fetchone()
    return None if values is None else _ClientRow._make(values)


def _use_assertion(assertion: ClientAssertion, row: _ClientRow, audiences: Iterable[str], *, now: datetime) -> None:
    if row.authentication_method != ClientAuthenticationMethod.PRIVATE_KEY_JWT or row.jwks is None:
        raise ClientAuthenticationFailed(reason="wrong_method", client_id=assertion.client_id)
    jwks: dict[str, Any] = json.loads(row.jwks)
    verified = verify_assertion(assertion, jwks=jwks, audiences=audiences, now=now)
    if not _is_first_use(assertion.client_id, verified, now=now):
        raise ClientAuthenticationFailed(reason="assertion_replayed", client_id=assertion.client_id)


def _is_first_use(client_id: UUID, verified: VerifiedAssertion, *, now: datetime) -> bool:
    parameters: dict[str, Any] = {
        "client_id": client_id,
        "digest": verified.digest,
        "expires_at": verified.expires_at + _KEPT_LONGER,
        "most": MAX_USED_ASSERTIONS - 1,
        "now": now,
    }
    with prepared_cursor() as cursor:
        cursor.execute(_USE_ASSERTION, parameters)
        return cursor.fetchone() is not None
