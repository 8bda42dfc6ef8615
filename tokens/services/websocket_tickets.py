"""Tickets by which browsers authenticate WebSockets: issue one, and redeem it once.

A browser can't send ``Authorization`` with a WebSocket handshake, and a secret in a URL would end in logs. So the page
asks for a ticket and offers it as a subprotocol (RFC 6455, 1.9).
"""

import secrets
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from cedrina_base.prepared_statements import prepared_cursor
from cedrina_base.signed_tokens import token_digest
from tokens.models import SessionKind
from tokens.statements import complete
from tokens.types import AccessClaims, AdminSessionClaims

LIFETIME = timedelta(seconds=30)
PREFIX = "cdw_"
MOST_UNUSED = 10  # of one session; the oldest ones give way
_BYTES = 32
_LENGTH = len(PREFIX) + 43  # of base64url without padding

_SURPLUS = """
    DELETE FROM tokens_websocketticket WHERE digest IN (
        SELECT digest FROM tokens_websocketticket WHERE session_id = %(session_id)s
        ORDER BY expires_at DESC OFFSET %(kept)s
    )
"""
_ISSUE = f"""
WITH surplus AS ({_SURPLUS})
INSERT INTO tokens_websocketticket (
    digest, session_id, family_id, generation, jti, kid, token_issued_at, token_expires_at, expires_at
) VALUES (
    %(digest)s, %(session_id)s, %(family_id)s, %(generation)s, %(jti)s, %(kid)s, %(issued_at)s, %(token_expires_at)s,
    %(expires_at)s
)
"""  # noqa: S608 - parts of our own
# A session of the admin's pages has no access token, and so no key. The ticket stands for the session itself.
_ISSUE_TO_ADMIN_SESSION = f"""
WITH surplus AS ({_SURPLUS})
INSERT INTO tokens_websocketticket (
    digest, session_id, family_id, generation, jti, kid, token_issued_at, token_expires_at, expires_at
)
SELECT %(digest)s, s.id, f.family_id, f.generation, '', '', s.created_at, s.expires_at, %(expires_at)s
FROM tokens_session s
JOIN tokens_tokenfamily f ON f.session_id = s.id
JOIN {{user_table}} u ON {{user_pk}} = s.user_id
WHERE s.id = %(session_id)s AND s.user_id = %(user_id)s AND s.kind = %(kind)s AND s.ended_at IS NULL
  AND s.expires_at > %(now)s AND NOT f.is_revoked AND f.expires_at > %(now)s AND {{user_is_active}}
RETURNING digest
"""  # noqa: S608 - parts of our own
# Of two handshakes with one ticket, one deletes the row. One that is too late is deleted as well.
_REDEEM = """
WITH used AS (
    DELETE FROM tokens_websocketticket WHERE digest = %(digest)s RETURNING *
)
SELECT s.user_id, used.session_id, used.family_id, used.generation, used.jti, used.token_issued_at,
       used.token_expires_at, used.kid, s.kind
FROM used JOIN tokens_session s ON s.id = used.session_id WHERE used.expires_at > %(now)s
"""


def issue(*, claims: AccessClaims, now: datetime) -> str:
    """Return a new ticket for the session of an accepted access token. It is good for ``LIFETIME``, and for one use.

    A socket that is opened with it lives no longer than the access token.
    """
    ticket = PREFIX + secrets.token_urlsafe(_BYTES)
    parameters: dict[str, Any] = {
        "digest": token_digest(ticket),
        "session_id": claims.session_id,
        "family_id": claims.family_id,
        "generation": claims.generation,
        "jti": claims.jti,
        "kid": claims.kid,
        "issued_at": claims.issued_at,
        "token_expires_at": claims.expires_at,
        "expires_at": now + LIFETIME,
        "kept": MOST_UNUSED - 1,
    }
    with prepared_cursor() as cursor:
        cursor.execute(_ISSUE, parameters)
    return ticket


def issue_to_admin_session(*, session_id: UUID, user_id: Any, now: datetime) -> str | None:
    """Return a new ticket for a live session of the admin's pages, ``None`` if it has ended.

    A socket that is opened with it ends with the session.
    """
    ticket = PREFIX + secrets.token_urlsafe(_BYTES)
    parameters: dict[str, Any] = {
        "digest": token_digest(ticket),
        "session_id": session_id,
        "user_id": user_id,
        "kind": SessionKind.ADMIN,
        "expires_at": now + LIFETIME,
        "kept": MOST_UNUSED - 1,
        "now": now,
    }
    with prepared_cursor() as cursor:
        cursor.execute(complete(_ISSUE_TO_ADMIN_SESSION), parameters)
        return ticket if cursor.fetchone() else None


def redeem(*, presented: str, now: datetime) -> AccessClaims | AdminSessionClaims | None:
    """Use a ticket up, and return the claims of its access token; ``None`` for one that is unknown, used or expired.

    Of a ticket of the admin's pages it is the session. The caller verifies the session
    (``tokens.services.verification``).
    """
    if len(presented) != _LENGTH or not presented.startswith(PREFIX) or not presented.isascii():
        return None
    with prepared_cursor() as cursor:
        cursor.execute(_REDEEM, {"digest": token_digest(presented), "now": now})
        row = cursor.fetchone()
    if row is None:
        return None
    user_id, session_id, family_id, generation, jti, issued_at, expires_at, kid, kind = row
    if kind == SessionKind.ADMIN:
        return AdminSessionClaims(user_id, session_id, family_id, expires_at)
    return AccessClaims(user_id, session_id, family_id, generation, jti, issued_at, expires_at, kid=kid)
