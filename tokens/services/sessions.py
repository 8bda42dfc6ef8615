"""Record what users do with a session other than ending it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection

from tokens.errors import SessionRevoked
from tokens.models import MULTI_FACTOR, Session

_RECORD_REAUTHENTICATION = """
UPDATE tokens_session SET authenticated_at = %(now)s,
    second_factor_at = CASE WHEN %(is_second_factor)s THEN %(now)s ELSE second_factor_at END,
    step_up_until = CASE WHEN %(is_second_factor)s THEN NULL ELSE step_up_until END,
    amr = amr || ARRAY(SELECT added FROM unnest(%(amr)s::varchar[]) added WHERE added <> ALL(amr))
WHERE id = %(session_id)s AND ended_at IS NULL
"""


def record_reauthentication(*, session_id: UUID, amr: Sequence[str] = (), now: datetime) -> datetime:
    """Record that the session's user has authenticated again; return when (RFC 9470, 4).

    ``amr`` are the methods (RFC 8176). If ``mfa`` is among them, the second factor counts as just shown, and a proof
    that a finding asked for as given.

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


def record_proof(*, session_id: UUID) -> None:
    """Record that the session's user has given the proof that a finding asked for, without a second factor.

    The authentication does not get newer by it.

    Raises: SessionRevoked, if the session has ended.
    """
    if not Session.objects.filter(pk=session_id, ended_at__isnull=True).update(step_up_until=None):
        raise SessionRevoked(session_id=session_id)
