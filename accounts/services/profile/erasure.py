"""Erase deleted accounts whose retention is over. Their security events stay, with masked names."""

from collections.abc import Callable, Sequence
from datetime import datetime
from uuid import UUID

from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import transaction
from procrastinate.contrib.django.models import ProcrastinateJob

from accounts import event_types
from accounts.conf import account_settings
from accounts.models import SignInFailures, User
from security_events.services import recording
from security_events.types import Subject

BATCH_SIZE = 100


def count_due(*, now: datetime) -> int:
    """Return how many accounts are due for erasure."""
    return User.objects.filter(deleted_at__lte=_cutoff(now)).count()


def erase_due(*, now: datetime, progress: Callable[[int], None] | None = None) -> int:
    """Erase all accounts whose retention is over; return how many.

    Each batch is a transaction of its own, so the job can be killed at any moment and repeated. Several workers can run
    it at the same time, because each skips rows that another one has locked. ``progress`` is called with the number of
    accounts erased so far.
    """
    erased = 0
    while True:
        with transaction.atomic():
            # The lock and the condition are one statement, so an account that is restored at this moment stays.
            ids = list(
                User.objects.filter(deleted_at__lte=_cutoff(now))
                .order_by("deleted_at")
                .select_for_update(skip_locked=True)
                .values_list("pk", flat=True)[:BATCH_SIZE]
            )
            _erase(ids=ids, now=now)
        erased += len(ids)
        if progress:
            progress(erased)
        if len(ids) < BATCH_SIZE:
            return erased


def erase_now(*, user_id: UUID, now: datetime) -> bool:
    """Erase one deleted account before its retention is over; ``False`` when there is none that is deleted."""
    with transaction.atomic():
        ids = list(
            User.objects.filter(pk=user_id, deleted_at__isnull=False).select_for_update().values_list("pk", flat=True)
        )
        _erase(ids=ids, now=now)
    return bool(ids)


def _cutoff(now: datetime) -> datetime:
    return now - account_settings.DELETION_RETENTION


def _erase(*, ids: Sequence[UUID], now: datetime) -> None:
    if not ids:
        return
    texts = [str(user_id) for user_id in ids]
    LogEntry.objects.filter(content_type=ContentType.objects.get_for_model(User), object_id__in=texts).delete()
    # The foreign keys cascade: sessions, token families, former passwords, factors and connections are deleted, too.
    User.objects.filter(pk__in=ids).delete()
    SignInFailures.objects.filter(subject__in=texts).delete()
    _delete_jobs(user_ids=texts)
    for text in texts:
        recording.record(event_types.ACCOUNT_ERASED, target=Subject(id=text), now=now)


def _delete_jobs(*, user_ids: Sequence[str]) -> None:
    """Delete the background jobs of erased users. A job that runs now keeps its row, without personal details.

    Its worker needs the row when the job ends. The row keeps the user's id, which refers to nothing any more. The lock
    keeps workers from starting a job between the two statements. Procrastinate's API finds no jobs by their arguments,
    and its manager refuses writes as a protection against mistakes, so these are written by the model's plain queryset.
    """
    jobs = ProcrastinateJob.objects.get_queryset().filter(args__user_id__in=user_ids)
    idle = jobs.exclude(status="doing").select_for_update()
    jobs.filter(pk__in=list(idle.values_list("pk", flat=True))).delete()
    for job in jobs.select_for_update():
        details = {name: value for name, value in job.args.items() if name != "details"}
        jobs.filter(pk=job.pk).update(args=details)
