"""Delete sessions, families, signing keys and what service clients have used, when it ended long ago."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import NamedTuple

from django.db import connection

from cedrina_base.batch_deletion import delete_in_batches
from tokens.models import RevokedServiceToken, ServiceClientSecret, Session, SigningKey, UsedAssertion, WebSocketTicket
from tokens.services import step_up_orders

# For this long an ended session can be told from an unknown one, and reuse of its tokens explained.
_RETENTION = timedelta(days=30)
_FORGOTTEN_AFTER = timedelta(days=1)
_BATCH = 1000

_DELETE_SESSIONS = """
WITH past AS (
    SELECT id FROM tokens_session WHERE expires_at < %(before)s ORDER BY expires_at LIMIT %(batch)s
    FOR UPDATE SKIP LOCKED
), families AS (
    DELETE FROM tokens_tokenfamily WHERE session_id IN (SELECT id FROM past)
)
DELETE FROM tokens_session WHERE id IN (SELECT id FROM past)
"""


class PurgeCounts(NamedTuple):
    """How many rows a purge deleted."""

    sessions: int
    signing_keys: int


def expired_sessions(*, now: datetime) -> int:
    """Return how many sessions a purge would delete."""
    return Session.objects.filter(expires_at__lt=now - _RETENTION).count()


def purge_expired(*, now: datetime, progress: Callable[[int], None] | None = None) -> PurgeCounts:
    """Delete, in batches, what no token can refer to any more; return the counts.

    Safe to interrupt and to run twice. ``progress`` is called with the number of sessions deleted so far.
    """
    sessions, deleted = 0, _BATCH
    while deleted == _BATCH:
        with connection.cursor() as cursor:
            cursor.execute(_DELETE_SESSIONS, {"before": now - _RETENTION, "batch": _BATCH})
            deleted = cursor.rowcount
        sessions += deleted
        if progress:
            progress(sessions)
    # Servers whose clocks differ by less than a day still know what must not be accepted again.
    long_past = now - _FORGOTTEN_AFTER
    delete_in_batches(UsedAssertion.objects.filter(expires_at__lt=long_past))
    delete_in_batches(RevokedServiceToken.objects.filter(expires_at__lt=long_past))
    delete_in_batches(ServiceClientSecret.objects.filter(expires_at__lt=long_past))
    step_up_orders.purge(now=now)
    delete_in_batches(WebSocketTicket.objects.filter(expires_at__lt=long_past))
    keys, _ = SigningKey.objects.filter(expires_at__lt=now - _RETENTION).delete()
    return PurgeCounts(sessions=sessions, signing_keys=keys)
