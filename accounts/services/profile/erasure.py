"""Erase deleted accounts whose retention is over. Their security events stay, with masked names."""

from collections.abc import Callable, Sequence
from datetime import datetime
from uuid import UUID

from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import transaction
from procrastinate.contrib.django.models import ProcrastinateJob

from accounts import event_types
from accounts.access.models import RoleGrant
from accounts.conf import account_settings
from accounts.end_reasons import DELETED_BY_OPERATOR
from accounts.models import SignInFailures, User
from accounts.operator_event_types import ACCOUNT_ERASED_BY_OPERATOR
from accounts.rules.subject_facts import USER
from accounts.services.administration import authorization
from accounts.services.administration.operator_notices import operator_subject
from accounts.services.mailing import erasure_notices
from security_events.services import recording
from security_events.services.detection import erasure as detection_erasure
from security_events.types import Subject
from tokens.services import revocation
from tokens.services.shared_signals import excluded_subjects
from tokens.users import subject_of

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


def erase_for_operator(*, user: User, by: User | None, reason: str, now: datetime) -> bool:
    """Erase an account at once, deleted or not; ``False`` when it is gone already. Nothing can be restored.

    The person's security events stay, with a masked name. The person is mailed after that.

    Raises: NotAllowed, InsufficientPrivileges, OwnAccount, LastAdministrator.
    """
    with authorization.authorize(
        actor=by, target=user, action="users:erase", removes_access=True, on_others=True
    ) as accounts:
        if not User.objects.filter(pk=user.pk).exists():
            return False
        User.objects.present().filter(pk=user.pk).update(deleted_at=now)
        actor = operator_subject(by)
        ended = revocation.end_sessions(user_id=user.pk, reason=DELETED_BY_OPERATOR, actor=actor, note=reason, now=now)
        recording.record(
            ACCOUNT_ERASED_BY_OPERATOR,
            actor=actor,
            target=subject_of(user),
            data={"note": reason, "ended_sessions": ended},
            now=now,
        )
        erasure_notices.enqueue(user=accounts.target, now=now)
        return erase_now(user_id=user.pk, now=now)


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
    # No version of the policy: nobody can decide otherwise by grants of a person who does not exist.
    RoleGrant.objects.filter(subject__in=[f"{USER}{text}" for text in texts]).delete()
    _delete_jobs(user_ids=texts)
    excluded_subjects.forget(user_ids=texts)
    detection_erasure.forget(accounts=texts)
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
