"""What a person does with their sessions besides ending them."""

from datetime import datetime
from uuid import UUID

from django.db import connection

from tokens.errors import SessionRevoked

_CONFIRM = """
UPDATE tokens_session SET authenticated_at = COALESCE(%(now)s::timestamptz, statement_timestamp())
WHERE id = %(session_id)s AND ended_at IS NULL RETURNING authenticated_at
"""


def confirm_reauthentication(*, session_id: UUID, now: datetime | None = None) -> datetime:
    """Note that the person has just proved again who they are; return when (RFC 9470, 4).

    Raises: SessionRevoked, if the session ended meanwhile.
    """
    with connection.cursor() as cursor:
        cursor.execute(_CONFIRM, {"session_id": session_id, "now": now})
        row = cursor.fetchone()
    if row is None:
        raise SessionRevoked(session_id=session_id)
    authenticated_at: datetime = row[0]
    return authenticated_at
