"""Approve a draft, and apply it as a version of the policy."""

from datetime import datetime
from uuid import UUID

from django.db import transaction

from accounts.access import draft_changes, selectors, signals
from accounts.access.conf import access_settings
from accounts.access.errors import DraftNotFound, NotApprover, OwnDraft, StaleDraft
from accounts.access.models import DraftApproval, PolicyDraft
from accounts.access.services.drafts import editing
from accounts.access.services.policy_changes import Versions, policy_change
from accounts.access.services.policy_restoring import restore
from accounts.access.types import Approval, ApprovedDraft, Author, DraftAction


def approve(*, draft_id: UUID, versions: Versions, approver: Author, now: datetime) -> PolicyDraft:
    """Store that somebody approves a draft as they saw it. To approve it again changes nothing.

    Whether they have the permission is for the caller to ask; a rule for it may depend on the request.

    Raises: DraftNotFound, VersionMismatch, OwnDraft, NotApprover, StaleDraft.
    """
    with transaction.atomic():
        selectors.locked_head()
        draft = editing.locked(draft_id, versions)
        if draft.author_id == approver.id:
            raise OwnDraft
        if not _is_person(approver.id, now):
            raise NotApprover
        if draft.applied_version is not None or editing.is_stale(draft.base_version):
            raise StaleDraft
        _row, is_new = DraftApproval.objects.get_or_create(
            draft=draft, approver_id=approver.id, defaults={"approver": approver.name, "approved_at": now}
        )
        if is_new:
            signals.draft_changed.send(sender=None, action=DraftAction.APPROVED, draft=draft, author=approver, now=now)
    return draft


def apply(*, draft_id: UUID, versions: Versions, by: Author, now: datetime) -> PolicyDraft:
    """Make the changes of a draft, as one version whose author is the draft's.

    Approvals of people whose accounts were closed meanwhile don't count.

    Raises: DraftNotFound, VersionMismatch, StaleDraft, ApprovalMissing, and what ``policy_change`` raises.
    """
    seen = PolicyDraft.objects.filter(pk=draft_id).first()
    if seen is None:
        raise DraftNotFound
    author = Author(seen.author_id, seen.author)
    with transaction.atomic():
        selectors.locked_head()
        draft = editing.locked(draft_id, versions)
        if draft.applied_version is not None or editing.is_stale(draft.base_version):
            raise StaleDraft
        approvals = tuple(each for each in approvals_of(draft) if _is_person(each.approver.id, now))
        approved = ApprovedDraft(str(draft.pk), approvals, by)
        _stored, after = draft_changes.make(draft.changes, editing.present_documents())
        with policy_change(author=author, reason=draft.reason, now=now, draft=approved) as writer:
            restore(writer, after.rules, after.roles)
        draft.applied_version, draft.updated_at = writer.version, now
        draft.save(update_fields=["applied_version", "updated_at"])
        signals.draft_changed.send(sender=None, action=DraftAction.APPLIED, draft=draft, author=by, now=now)
    return draft


def approvals_of(draft: PolicyDraft) -> list[Approval]:
    """Return who approved a draft, the first one first."""
    rows = draft.approvals.order_by("approved_at", "pk")
    return [Approval(Author(row.approver_id, row.approver), row.approved_at) for row in rows]


def _is_person(person_id: str, now: datetime) -> bool:
    """Return whether this is a person whose account is open. Service clients are no people."""
    return access_settings.FIND_SUBJECT(f"user:{person_id}", now) is not None
