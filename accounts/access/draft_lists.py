"""Drafts of the policy as they are listed, and how far each is."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Count, Max, OuterRef, Prefetch, QuerySet, Subquery

from accounts.access.conf import access_settings
from accounts.access.errors import DraftNotFound
from accounts.access.models import DraftApproval, PolicyDraft, PolicyVersion
from accounts.access.types import DraftStatus


@dataclass(frozen=True, slots=True)
class ListedDraft:
    """A draft with its status and its approvals, the first one first."""

    draft: PolicyDraft
    status: DraftStatus
    approvals: Sequence[DraftApproval]


def draft(draft_id: UUID) -> ListedDraft:
    """Return a draft. Raises: DraftNotFound."""
    found = _with_status(_drafts().filter(pk=draft_id)[:1])
    if not found:
        raise DraftNotFound
    return found[0]


def drafts_page(*, before: UUID | None, limit: int) -> tuple[list[ListedDraft], str | None]:
    """Return drafts, the newest first, and the cursor of those that follow."""
    rows = _drafts().order_by("-pk")
    if before is not None:
        rows = rows.filter(pk__lt=before)
    found = _with_status(rows[: limit + 1])
    return found[:limit], str(found[limit - 1].draft.pk) if len(found) > limit else None


def status_of(row: PolicyDraft, *, rules_changed_in: int, approvals: int) -> DraftStatus:
    """Return how far a draft is; ``rules_changed_in`` is the newest version that changed rules or roles.

    It counts as approved from one approval on where none is needed.
    """
    if row.applied_version is not None:
        return DraftStatus.APPLIED
    if rules_changed_in > row.base_version:
        return DraftStatus.STALE
    return DraftStatus.APPROVED if approvals >= max(1, access_settings.APPROVERS) else DraftStatus.DRAFT


def with_status_figures(rows: QuerySet[PolicyDraft]) -> QuerySet[PolicyDraft]:
    """Return rows with what ``listed_status`` needs of each, so that a list of any length takes no further query."""
    newest = PolicyVersion.objects.filter(is_of_rules=True).order_by("-number").values("number")[:1]
    counted = DraftApproval.objects.filter(draft=OuterRef("pk")).order_by().values("draft").annotate(n=Count("pk"))
    return rows.annotate(rules_changed_in=Subquery(newest), number_of_approvals=Subquery(counted.values("n")))


def listed_status(row: Any) -> DraftStatus:
    """Return how far a draft of ``with_status_figures`` is."""
    return status_of(row, rules_changed_in=row.rules_changed_in or 0, approvals=row.number_of_approvals or 0)


def _drafts() -> QuerySet[PolicyDraft]:
    return PolicyDraft.objects.prefetch_related(
        Prefetch("approvals", DraftApproval.objects.order_by("approved_at", "pk"))
    )


def _with_status(rows: QuerySet[PolicyDraft]) -> list[ListedDraft]:
    newest = PolicyVersion.objects.filter(is_of_rules=True).aggregate(number=Max("number"))["number"] or 0
    found = []
    for row in rows:
        approvals = list(row.approvals.all())
        status = status_of(row, rules_changed_in=newest, approvals=len(approvals))
        found.append(ListedDraft(row, status, approvals))
    return found
