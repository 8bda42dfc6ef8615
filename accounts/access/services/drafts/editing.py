"""Make, change and delete drafts of the policy."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.access import draft_changes, selectors, signals
from accounts.access.draft_changes import PolicyDocuments
from accounts.access.errors import (
    DraftNotFound,
    NotDraftAuthor,
    RolesInvalid,
    RuleInvalid,
    StaleDraft,
    VersionMismatch,
    VersionNotFound,
)
from accounts.access.models import DraftApproval, PolicyDraft, PolicyVersion
from accounts.access.services.compiling import compile_policy
from accounts.access.services.policy_changes import Versions
from accounts.access.services.policy_restoring import documents_of_version
from accounts.access.services.shadow import switching
from accounts.access.types import Author, DraftAction
from cedrina_base.batch_deletion import delete_in_batches

MOST_OPEN = 100  # drafts of one author that are not applied
KEPT = timedelta(days=90)


def create(*, changes: Any, base_version: int | None, author: Author, reason: str, now: datetime) -> PolicyDraft:
    """Store a draft. ``base_version`` is the version that the author saw, by default the one in force.

    Raises: RuleInvalid, RuleExists, StaleDraft.
    """
    with transaction.atomic():
        head = selectors.locked_head()
        if base_version is not None and (base_version > head.version or is_stale(base_version)):
            raise StaleDraft
        stored, _after = validated(changes, present_documents())
        return _store(stored, head.version, author=author, reason=reason, now=now)


def create_restoring(*, number: int, author: Author, reason: str, now: datetime) -> PolicyDraft:
    """Store a draft that makes rules and roles as they were in an earlier version: a rollback that can be approved.

    Raises: VersionNotFound, RuleInvalid.
    """
    with transaction.atomic():
        head = selectors.locked_head()
        if number > head.version or not PolicyVersion.objects.filter(pk=number).exists():
            raise VersionNotFound
        present, wanted = present_documents(), PolicyDocuments(*documents_of_version(number))
        changes = draft_changes.between(present, wanted)
        if not changes:
            raise RuleInvalid("restore_version", _("Rules and roles are as they were in this version."))
        return _store(changes, head.version, author=author, reason=reason, now=now)


def change(
    *, draft_id: UUID, changes: Any | None, reason: str | None, versions: Versions, author: Author, now: datetime
) -> PolicyDraft:
    """Change a draft, and bring it up to the version in force. It loses its approvals.

    Raises: DraftNotFound, NotDraftAuthor, VersionMismatch, StaleDraft (it was applied), RuleInvalid, RuleExists.
    """
    with transaction.atomic():
        head = selectors.locked_head()
        draft = locked(draft_id, versions)
        if draft.author_id != author.id:
            raise NotDraftAuthor
        if draft.applied_version is not None:
            raise StaleDraft
        stored, _after = validated(draft.changes if changes is None else changes, present_documents())
        draft.changes, draft.base_version = stored, head.version
        draft.reason = draft.reason if reason is None else reason
        draft.version, draft.updated_at = draft.version + 1, now
        draft.save()
        DraftApproval.objects.filter(draft=draft).delete()
        switching.end_of_draft(draft)
        signals.draft_changed.send(sender=None, action=DraftAction.CHANGED, draft=draft, author=author, now=now)
    return draft


def delete(*, draft_id: UUID, versions: Versions, author: Author, now: datetime) -> None:
    """Delete a draft that was not applied.

    Raises: DraftNotFound, VersionMismatch, StaleDraft (it was applied).
    """
    with transaction.atomic():
        selectors.locked_head()
        draft = locked(draft_id, versions)
        if draft.applied_version is not None:
            raise StaleDraft
        signals.draft_changed.send(sender=None, action=DraftAction.DELETED, draft=draft, author=author, now=now)
        switching.end_of_draft(draft)
        draft.delete()


def purge(*, now: datetime) -> int:
    """Delete drafts that nobody has changed for ``KEPT``. The versions that they made stay."""
    return delete_in_batches(PolicyDraft.objects.filter(updated_at__lt=now - KEPT))


def locked(draft_id: UUID, versions: Versions) -> PolicyDraft:
    """Return a draft that nobody else can change until the transaction ends. The head of the policy is locked first.

    Raises: DraftNotFound, VersionMismatch.
    """
    draft = PolicyDraft.objects.select_for_update().filter(pk=draft_id).first()
    if draft is None:
        raise DraftNotFound
    if versions is not None and draft.version not in versions:
        raise VersionMismatch
    return draft


def is_stale(base_version: int) -> bool:
    """Return whether rules or roles were changed after a version."""
    return PolicyVersion.objects.filter(number__gt=base_version, is_of_rules=True).exists()


def present_documents() -> PolicyDocuments:
    """Return the documents of the policy in force."""
    return PolicyDocuments(selectors.all_rules(), selectors.all_roles())


def validated(changes: Any, present: PolicyDocuments) -> tuple[list[dict[str, Any]], PolicyDocuments]:
    """Return changes as they are stored, and the documents after them, of which a policy can be compiled.

    Raises: RuleInvalid, RuleExists.
    """
    stored, after = draft_changes.parse(changes, present)
    try:
        compile_policy(rules=after.rules, roles=after.roles, version=0)
    except RolesInvalid as error:
        raise RuleInvalid("changes", error.sentence) from error
    return stored, after


def _store(changes: list[dict[str, Any]], base: int, *, author: Author, reason: str, now: datetime) -> PolicyDraft:
    if PolicyDraft.objects.filter(author_id=author.id, applied_version=None).count() >= MOST_OPEN:
        raise RuleInvalid("changes", _("You have %d drafts. Apply or delete some of them first.") % MOST_OPEN)
    draft = PolicyDraft.objects.create(
        changes=changes,
        base_version=base,
        reason=reason,
        author_id=author.id,
        author=author.name,
        created_at=now,
        updated_at=now,
    )
    signals.draft_changed.send(sender=None, action=DraftAction.CREATED, draft=draft, author=author, now=now)
    return draft
