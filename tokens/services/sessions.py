"""Record what users do with a session other than ending it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection

from tokens.errors import SessionRevoked
from tokens.models import MULTI_FACTOR

_RECORD_REAUTHENTICATION = """
UPDATE tokens_session SET authenticated_at = %(now)s,
    second_factor_at = CASE WHEN %(is_second_factor)s THEN %(now)s ELSE second_factor_at END,
    amr = amr || ARRAY(SELECT added FROM unnest(%(amr)s::varchar[]) added WHERE added <> ALL(amr))
WHERE id = %(session_id)s AND ended_at IS NULL
"""


def record_reauthentication(*, session_id: UUID, amr: Sequence[str] = (), now: datetime) -> datetime:
    """Record that the session's user has authenticated again; return when (RFC 9470, 4).

    ``amr`` are the methods (RFC 8176). If ``mfa`` is among them, the second factor counts as just shown.

    Raises: SessionRevoked, if the session has ended.
    """
    parameters: dict[str, Any] = {
        "session_id": session_id,
        "now": now,
        "amr": list(amr),
        "is_second_factor": MULTI_FACTOR in amr,
    }
    with connection.cursor() as cursor:
        cursor.execute(_RECORD_REAUTHENTICATION, parameters)
        is_live = cursor.rowcount == 1
    if not is_live:
        raise SessionRevoked(session_id=session_id)
    return now
