"""Retry and cancel background jobs on behalf of an operator, with a reason and an event."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.db import transaction
from procrastinate.contrib.django import app
from procrastinate.exceptions import UniqueViolation

from accounts.access.services.decisions import may
from accounts.errors import NotAllowed
from cedrina import event_types
from cedrina.models import BackgroundJob
from security_events.catalogue import EventType
from security_events.services import recording
from security_events.types import Subject
from tokens.users import subject_of

CHANGE = "jobs:change"


def retry(*, job_id: int, by: Any, reason: str, now: datetime) -> bool:
    """Let a failed job run again at once; ``False`` when it has not failed, or another one like it waits already.

    Raises: NotAllowed.
    """

    def run_again() -> None:
        app.job_manager.retry_job_by_id(job_id, retry_at=now)

    return _change(
        job_id, from_state="failed", change=run_again, event=event_types.JOB_RETRIED, by=by, reason=reason, now=now
    )


def cancel(*, job_id: int, by: Any, reason: str, now: datetime) -> bool:
    """Cancel a job that waits; ``False`` when it does not wait any more.

    Raises: NotAllowed.
    """

    def cancel_job() -> None:
        app.job_manager.cancel_job_by_id(job_id)

    return _change(
        job_id, from_state="todo", change=cancel_job, event=event_types.JOB_CANCELLED, by=by, reason=reason, now=now
    )


def _change(
    job_id: int,
    *,
    from_state: str,
    change: Callable[[], None],
    event: EventType,
    by: Any,
    reason: str,
    now: datetime,
) -> bool:
    """Change a job and record it in one transaction. The lock decides between operators, and between them and workers.

    Workers skip a locked job and take it later, so they never wait.
    """
    if not may(by, CHANGE):
        raise NotAllowed
    try:
        with transaction.atomic():
            job = BackgroundJob.objects.select_for_update().filter(pk=job_id, status=from_state).first()
            if job is None:
                return False
            change()
            recording.record(
                event,
                actor=subject_of(by),
                target=Subject(id=job.event_subject_id),
                data={"task": job.task_name, "queue": job.queue_name, "attempts": job.attempts, "note": reason},
                now=now,
            )
    except UniqueViolation:
        return False  # another job with the same queueing lock waits, so that this one may not wait as well
    return True
