"""What a person does with their sessions besides ending them."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.db import connection

from tokens.errors import SessionRevoked
from tokens.models import MULTI_FACTOR

_CONFIRM = """
WITH clock AS (
    SELECT COALESCE(%(now)s::timestamptz, statement_timestamp()) AS now
)
UPDATE tokens_session SET authenticated_at = clock.now,
    second_factor_at = CASE WHEN %(is_second_factor)s THEN clock.now ELSE second_factor_at END,
    amr = amr || ARRAY(SELECT added FROM unnest(%(amr)s::varchar[]) added WHERE added <> ALL(amr))
FROM clock WHERE id = %(session_id)s AND ended_at IS NULL RETURNING authenticated_at
"""


def record_reauthentication(*, session_id: UUID, amr: Sequence[str] = (), now: datetime | None = None) -> datetime:
    """Note that the person has just proved again who they are; return when (RFC 9470, 4).

    ``amr`` are the methods by which they did; with ``mfa`` among them the second factor counts as just shown.

    Raises: SessionRevoked, if the session ended meanwhile.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            _CONFIRM, {"session_id": session_id, "now": now, "amr": list(amr), "is_second_factor": MULTI_FACTOR in amr}
        )
        row = cursor.fetchone()
    if row is None:
        raise SessionRevoked(session_id=session_id)
    authenticated_at: datetime = row[0]
    return authenticated_at
