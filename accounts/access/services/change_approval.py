"""Who may change rules and roles where ``APPROVERS`` demands that drafts are approved.

All changes pass here, so that approval can't be evaded by another call. Three may change directly, and the version says
so: an approved draft; somebody with break-glass, which is loud; and the command line of the machine, whose operator
could change the database as well. A rollback is a change like any other: an old policy may be the very one that was
corrected.
"""

from datetime import datetime

from accounts.access import selectors
from accounts.access.conf import access_settings
from accounts.access.errors import ApprovalMissing, ApprovalRequired
from accounts.access.known_permissions import BREAK_GLASS
from accounts.access.types import ApprovedDraft, Author, Change, ChangeKind

COMMAND_LINE = "command_line"


def entries(*, author: Author, draft: ApprovedDraft | None, now: datetime) -> list[Change]:
    """Return the entries of the version that say how the change of rules and roles was allowed.

    Raises: ApprovalRequired, ApprovalMissing.
    """
    needed = access_settings.APPROVERS
    if draft is not None:
        if len(draft.approvals) < needed:
            raise ApprovalMissing(needed - len(draft.approvals))
        applied = {"applied_by": draft.applied_by.name, "applied_by_id": draft.applied_by.id}
        return [Change(ChangeKind.DRAFT, draft.id, None, applied), *_approvals(draft)]
    if not needed:
        return []
    if not author.id:
        return [Change(ChangeKind.UNAPPROVED, COMMAND_LINE, None, None)]
    if BREAK_GLASS in selectors.roles_at(subject=f"user:{author.id}", at=now):
        return [Change(ChangeKind.UNAPPROVED, BREAK_GLASS, None, None)]
    raise ApprovalRequired


def _approvals(draft: ApprovedDraft) -> list[Change]:
    return [
        Change(
            ChangeKind.APPROVAL,
            each.approver.id,
            None,
            {"name": each.approver.name, "approved_at": each.approved_at.isoformat()},
        )
        for each in draft.approvals
    ]
