"""Erase people whose time to come back has passed. What they did stays in the trail, without them."""

from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import connection, transaction
from django.utils import timezone

from accounts import event_types
from accounts.conf import account_settings
from accounts.models import SignInFailures, User
from security_events.services import recording
from security_events.types import Subject

BATCH = 100

# A job that runs at this moment has to find its row when it ends; it keeps the id, which then points to nobody.
_FORGET_JOBS = "DELETE FROM procrastinate_jobs WHERE args ->> 'user_id' = ANY(%s) AND status <> 'doing'"
_STRIP_JOBS = "UPDATE procrastinate_jobs SET args = args - 'details' WHERE args ->> 'user_id' = ANY(%s)"


def due(*, now: datetime | None = None) -> int:
    """Return how many people are to be erased."""
    return User.objects.filter(deleted_at__lte=_cutoff(now)).count()


def erase_due(*, now: datetime | None = None, progress: Callable[[int], None] | None = None) -> int:
    """Erase everybody whose retention has passed; return how many.

    In batches that are each one transaction, so that it can be killed at any moment and run again, also by several at
    once: each takes people whom no other has locked. ``progress`` is told how many are gone so far.
    """
    erased = 0
    while True:
        with transaction.atomic():
            # Locked and looked at again in one statement: whoever is restored at this moment stays.
            ids = list(
                User.objects.filter(deleted_at__lte=_cutoff(now))
                .order_by("deleted_at")
                .select_for_update(skip_locked=True)
                .values_list("pk", flat=True)[:BATCH]
            )
            _erase(ids=ids, now=now)
        erased += len(ids)
        if progress:
            progress(erased)
        if len(ids) < BATCH:
            return erased


def erase_now(*, user_id: UUID, now: datetime | None = None) -> bool:
    """Erase one deleted person before their time; ``False`` for who is not there, or not deleted."""
    with transaction.atomic():
        ids = list(
            User.objects.filter(pk=user_id, deleted_at__isnull=False).select_for_update().values_list("pk", flat=True)
        )
        _erase(ids=ids, now=now)
    return bool(ids)


def _cutoff(now: datetime | None) -> datetime:
    return (now or timezone.now()) - account_settings.DELETION_RETENTION


def _erase(*, ids: list[UUID], now: datetime | None) -> None:
    if not ids:
        return
    texts = [str(user_id) for user_id in ids]
    LogEntry.objects.filter(content_type=ContentType.objects.get_for_model(User), object_id__in=texts).delete()
    # Sessions, families, former passwords, factors, connections: whatever refers to a person goes with them.
    User.objects.filter(pk__in=ids).delete()
    SignInFailures.objects.filter(subject__in=texts).delete()
    with connection.cursor() as cursor:
        cursor.execute(_FORGET_JOBS, [texts])
        cursor.execute(_STRIP_JOBS, [texts])
    for text in texts:
        recording.record(event_types.ACCOUNT_ERASED, target=Subject(id=text), now=now)
