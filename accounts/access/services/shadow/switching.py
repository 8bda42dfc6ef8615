"""Begin and end the evaluation of a draft beside the policy in force, in all processes."""

from datetime import datetime, timedelta
from uuid import UUID

from django.db import connection, transaction

from accounts.access import selectors, signals
from accounts.access.errors import DraftNotFound, ShadowInUse, StaleDraft
from accounts.access.models import HEAD_ID, PolicyDraft, PolicyHead, PolicyVersion, ShadowRun
from accounts.access.services import active_policy
from accounts.access.types import Author, DraftAction

LONGEST = timedelta(days=1)


def start(*, draft_id: UUID, duration: timedelta, author: Author, now: datetime) -> ShadowRun:
    """Let all processes evaluate a draft for a time, at most ``LONGEST``. Its figures begin at zero.

    Raises: DraftNotFound, StaleDraft, ShadowInUse.
    """
    with transaction.atomic():
        head = selectors.locked_head()
        draft = PolicyDraft.objects.select_for_update().filter(pk=draft_id).first()
        if draft is None:
            raise DraftNotFound
        later = PolicyVersion.objects.filter(number__gt=draft.base_version, is_of_rules=True)
        if draft.applied_version is not None or later.exists():
            raise StaleDraft
        running = ShadowRun.objects.filter(pk=head.shadow_id).first() if head.shadow_id else None
        if running is not None and running.ends_at > now and running.draft_id != draft.pk:
            raise ShadowInUse
        ShadowRun.objects.filter(draft=draft).delete()
        run = ShadowRun.objects.create(draft=draft, started_at=now, ends_at=now + min(duration, LONGEST))
        _announce(run.pk)
        signals.draft_changed.send(sender=None, action=DraftAction.SHADOW_STARTED, draft=draft, author=author, now=now)
    return run


def stop(*, draft_id: UUID, author: Author, now: datetime) -> None:
    """End the evaluation of a draft before its time. Its figures stay until it is evaluated again.

    Raises: DraftNotFound.
    """
    with transaction.atomic():
        head = selectors.locked_head()
        draft = PolicyDraft.objects.select_for_update().filter(pk=draft_id).first()
        if draft is None:
            raise DraftNotFound
        run = ShadowRun.objects.filter(draft=draft).first()
        if run is None or run.ends_at <= now:
            return
        ShadowRun.objects.filter(pk=run.pk).update(ends_at=now)
        if head.shadow_id == run.pk:
            _announce(None)
        signals.draft_changed.send(sender=None, action=DraftAction.SHADOW_STOPPED, draft=draft, author=author, now=now)


def end_of_draft(draft: PolicyDraft) -> None:
    """End the evaluation of a draft that is changed or deleted, with its figures. In the transaction of the change."""
    run = ShadowRun.objects.filter(draft=draft).first()
    if run is not None:
        if PolicyHead.objects.filter(pk=HEAD_ID, shadow_id=run.pk).exists():
            _announce(None)
        run.delete()


def run_of(draft: PolicyDraft, *, now: datetime) -> tuple[ShadowRun | None, bool]:
    """Return the figures of a draft, and whether it is evaluated now."""
    run = ShadowRun.objects.filter(draft=draft).first()
    if run is None:
        return None, False
    return run, run.ends_at > now and selectors.head().shadow_id == run.pk


def _announce(run_id: UUID | None) -> None:
    PolicyHead.objects.filter(pk=HEAD_ID).update(shadow_id=run_id)
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_notify(%s, %s)", [active_policy.CHANNEL, "shadow"])
    transaction.on_commit(active_policy.refresh, robust=True)
