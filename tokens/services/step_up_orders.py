"""Ask for a proof at the sensitive calls of sessions that an attacker may have opened, and withdraw that.

The mark of a session is a column of its row, which each request reads anyway. Refreshes and ordinary calls don't look
at it. It ends by its time, by a proof (``sessions.record_reauthentication``, ``record_proof``), or when the order is
withdrawn.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib.auth import get_user_model
from django.db import connection, transaction
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Greatest

from cedrina_base.batch_deletion import delete_in_batches
from tokens.models import Session, StepUpOrder

# What the orders that are left say about each session that is still marked.
_MARK_AGAIN = """
UPDATE tokens_session s SET step_up_until = (
    SELECT max(o.until) FROM tokens_stepuporder o
    WHERE o.user_id = s.user_id AND o.until > %(now)s AND (o.session = s.id OR s.created_at >= o.since)
)
WHERE s.user_id = %(user_id)s AND s.step_up_until IS NOT NULL AND s.ended_at IS NULL
"""


def require(
    *, order_id: UUID, user_id: Any, session_id: UUID | None, since: datetime, until: datetime, now: datetime
) -> int:
    """Ask for a proof in one session, or in all that were opened since a moment; return how many sessions that are now.

    Sessions that are opened later must show one as well (``issuing.open_session``). Sessions from before ``since`` are
    left alone: their owner uses them as ever. A user that doesn't exist any more is no error.
    """
    with transaction.atomic():
        if not _lock(user_id):
            return 0
        StepUpOrder.objects.filter(user_id=user_id, until__lte=now).delete()
        StepUpOrder.objects.create(pk=order_id, user_id=user_id, session=session_id, since=since, until=until)
        marked = _open_sessions(user_id).filter(Q(pk=session_id) if session_id else Q(created_at__gte=since))
        return marked.update(step_up_until=Greatest(F("step_up_until"), until))


def withdraw(*, order_id: UUID, user_id: Any, now: datetime) -> None:
    """Withdraw an order. Sessions that another order is about stay marked until that one ends."""
    with transaction.atomic():
        if not _lock(user_id):
            return
        StepUpOrder.objects.filter(pk=order_id).delete()
        with connection.cursor() as cursor:
            cursor.execute(_MARK_AGAIN, {"user_id": user_id, "now": now})


def purge(*, now: datetime) -> int:
    """Delete the orders whose time is over; return how many."""
    return delete_in_batches(StepUpOrder.objects.filter(until__lt=now))


def _lock(user_id: Any) -> bool:
    """Lock the user's row, as sign-ins do, so that none opens a session between the two statements of an order."""
    users = get_user_model()._default_manager.select_for_update(no_key=True)
    return users.filter(pk=user_id).values_list("pk").first() is not None


def _open_sessions(user_id: Any) -> QuerySet[Session]:
    return Session.objects.filter(user_id=user_id, ended_at__isnull=True)
