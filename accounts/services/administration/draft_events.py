"""Record what people do with drafts of the access policy, in the transaction in which they do it."""

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any

from django.dispatch import receiver

from accounts import draft_event_types as types
from accounts.access.models import PolicyDraft, PolicyVersion
from accounts.access.signals import draft_changed, policy_changed
from accounts.access.types import Author, ChangeKind, DraftAction
from security_events.catalogue import EventType
from security_events.services import recording
from security_events.types import NO_SUBJECT, Subject

TYPES: Mapping[DraftAction, EventType] = MappingProxyType(
    {
        DraftAction.CREATED: types.DRAFT_CREATED,
        DraftAction.CHANGED: types.DRAFT_CHANGED,
        DraftAction.DELETED: types.DRAFT_DELETED,
        DraftAction.APPROVED: types.DRAFT_APPROVED,
        DraftAction.APPLIED: types.DRAFT_APPLIED,
        DraftAction.SHADOW_STARTED: types.SHADOW_STARTED,
        DraftAction.SHADOW_STOPPED: types.SHADOW_STOPPED,
    }
)
_MOST_CHANGES = 20


@receiver(draft_changed, dispatch_uid="accounts.record_draft_event")
def record_draft_event(
    *, action: DraftAction, draft: PolicyDraft, author: Author, now: datetime, **_details: Any
) -> None:
    """Record an event with the draft's id, the version it was made for, its first changes and its reason."""
    data: dict[str, Any] = {
        "draft": str(draft.pk),
        "base_version": draft.base_version,
        "note": draft.reason,
    }
    if action in (DraftAction.CREATED, DraftAction.CHANGED):
        # The others are in the draft, and all are in the events of the version that it makes.
        data["changes"] = draft.changes[:_MOST_CHANGES]
    if action in (DraftAction.CHANGED, DraftAction.APPROVED):
        data["draft_version"] = draft.version
    elif action is DraftAction.APPLIED:
        approvers = draft.approvals.order_by("approved_at").values_list("approver_id", flat=True)
        data |= {"version": draft.applied_version, "author_id": draft.author_id, "approver_ids": list(approvers)}
    elif action is DraftAction.SHADOW_STARTED:
        data["ends_at"] = draft.shadow_run.ends_at.isoformat()
    actor = Subject(author.id, author.name) if author.id else NO_SUBJECT
    recording.record(TYPES[action], actor=actor, data=data, now=now)


@receiver(policy_changed, dispatch_uid="accounts.record_unapproved_change")
def record_unapproved_change(*, version: PolicyVersion, author: Author, now: datetime, **_details: Any) -> None:
    """Record that rules or roles were changed without the approval that is demanded, and what allowed it."""
    for change in version.changes:
        if change["kind"] == ChangeKind.UNAPPROVED:
            actor = Subject(author.id, author.name) if author.id else NO_SUBJECT
            data = {"version": version.number, "allowed_by": change["key"], "note": version.reason}
            recording.record(types.CHANGED_UNAPPROVED, actor=actor, data=data, now=now)
