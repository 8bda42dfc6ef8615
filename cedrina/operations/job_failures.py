"""Store why a background job failed, for the page of jobs: the class of the error, and nothing of its message."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

import structlog
from asgiref.sync import sync_to_async
from django.db import DatabaseError
from django.utils import timezone

from cedrina.models import JobFailure
from cedrina_base.measures import Counter

FAILED = Counter("jobs_failed_total", "Attempts of background jobs that failed.", ["task"])

log = structlog.get_logger(__name__)


async def store_failure(run: Callable[[], Awaitable[Any]], context: Any, _worker: Any) -> Any:
    """Run a job (a worker middleware of procrastinate). What it raises goes on to the worker."""
    try:
        return await run()
    except Exception as error:
        FAILED.count(context.job.task_name)
        await sync_to_async(_store)(context.job.id, error)
        raise


def purge(*, now: datetime, older_than: timedelta) -> int:
    """Delete the failures of jobs that are deleted by now; return how many there were."""
    deleted, _by_model = JobFailure.objects.filter(failed_at__lt=now - older_than).delete()
    return deleted


def _store(job_id: int, error: Exception) -> None:
    name = f"{type(error).__module__}.{type(error).__qualname__}"[:200]
    try:
        JobFailure.objects.update_or_create(job_id=job_id, defaults={"error": name, "failed_at": timezone.now()})
    except DatabaseError as outage:  # the job's own error matters more
        log.warning("job_failure_not_stored", job_id=job_id, reason=type(outage).__name__)
