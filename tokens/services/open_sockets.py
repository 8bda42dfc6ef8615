"""Find the sessions of open sockets that have ended, by one statement for all sockets of a process.

It asks about the sessions themselves, so it finds every way in which one can end.
"""

from collections.abc import Collection
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from cedrina_base.prepared_statements import prepared_cursor
from tokens.statements import complete

_DEAD = """
SELECT asked.family_id, asked.kid
FROM unnest(%(families)s::uuid[], %(kids)s::text[]) AS asked (family_id, kid)
WHERE NOT EXISTS (
    SELECT FROM tokens_tokenfamily f
    JOIN tokens_session s ON s.id = f.session_id
    JOIN {user_table} u ON {user_pk} = f.user_id
    WHERE f.family_id = asked.family_id AND NOT f.is_revoked AND f.expires_at > %(now)s
      AND s.ended_at IS NULL AND s.expires_at > %(now)s AND {user_is_active}
) OR (
    asked.kid <> '' AND NOT EXISTS (
        SELECT FROM tokens_signingkey k WHERE k.kid = asked.kid AND (k.expires_at IS NULL OR k.expires_at > %(now)s)
    )
)
"""


class SocketToken(NamedTuple):
    """What decides whether the access token of an open socket is still accepted, apart from its expiry.

    A session of the admin's pages has no token: its ``kid`` is empty.
    """

    family_id: UUID
    kid: str


def dead_tokens(*, among: Collection[SocketToken], now: datetime) -> frozenset[SocketToken]:
    """Return those tokens whose session has ended or expired, whose user is not active, or whose key was withdrawn."""
    if not among:
        return frozenset()
    parameters: dict[str, Any] = {
        "families": [token.family_id for token in among],
        "kids": [token.kid for token in among],
        "now": now,
    }
    with prepared_cursor() as cursor:
        cursor.execute(complete(_DEAD), parameters)
        return frozenset(SocketToken(*row) for row in cursor.fetchall())
