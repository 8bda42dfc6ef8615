"""Forget sessions, families and keys that are long past."""

from collections.abc import Callable
from datetime import datetime, timedelta

from django.db import connection

from tokens.models import SigningKey

# For how long an ended session can still be told from one that never was, and reuse of its tokens be explained.
_KEPT = timedelta(days=30)
_BATCH = 1000

_DELETE = """
WITH past AS (
    SELECT id FROM tokens_session WHERE expires_at < %(before)s ORDER BY expires_at LIMIT %(batch)s
    FOR UPDATE SKIP LOCKED
), families AS (
    DELETE FROM tokens_tokenfamily WHERE session_id IN (SELECT id FROM past)
)
DELETE FROM tokens_session WHERE id IN (SELECT id FROM past)
"""


def expired_sessions(*, now: datetime) -> int:
    """Return how many sessions a purge would delete."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM tokens_session WHERE expires_at < %s", [now - _KEPT])
        return int(cursor.fetchone()[0])


def purge_expired(*, now: datetime, progress: Callable[[int], None] | None = None) -> dict[str, int]:
    """Delete, in batches, what no token can refer to any more; return the counts.

    Safe to interrupt and to run twice. ``progress`` is told how many sessions are gone so far.
    """
    sessions = 0
    while True:
        with connection.cursor() as cursor:
            cursor.execute(_DELETE, {"before": now - _KEPT, "batch": _BATCH})
            deleted = cursor.rowcount
        sessions += deleted
        if progress:
            progress(sessions)
        if deleted < _BATCH:
            break
    keys, _ = SigningKey.objects.filter(expires_at__lt=now - _KEPT).delete()
    return {"sessions": sessions, "signing_keys": keys}
