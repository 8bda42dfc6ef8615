"""The admin's pages of drafts: what each would change, who approved it, and how it becomes a version."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.utils.translation import gettext_lazy as _
from django.views.decorators.csrf import csrf_protect

from accounts.access import draft_lists
from accounts.access.administration.base import AccessAdmin, author_of, named, sentence
from accounts.access.administration.preview import shown
from accounts.access.conf import access_settings
from accounts.access.draft_lists import ListedDraft
from accounts.access.errors import AccessError, DraftNotFound
from accounts.access.models import PolicyDraft
from accounts.access.services.drafts import approving, editing
from accounts.access.services.impact.drafts import impact_of_draft
from accounts.access.services.shadow import switching
from accounts.access.types import DraftStatus

APPROVE = "access.add_draftapproval"
HISTORY = timedelta(days=30)
SHADOW = timedelta(hours=1)
STATUS_WORDS = {
    DraftStatus.DRAFT: _("draft"),
    DraftStatus.APPROVED: _("approved"),
    DraftStatus.APPLIED: _("applied"),
    DraftStatus.STALE: _("outdated: rules or roles were changed since"),
}


def make_draft(request: Any, changes: list[dict[str, Any]], *, reason: str) -> None:
    """Store changes as a draft, whose page is shown next. Raises: RuleInvalid, RuleExists."""
    draft = editing.create(
        changes=changes, base_version=None, author=author_of(request), reason=reason, now=timezone.now()
    )
    request.access_draft = draft.pk


def draft_page(request: Any) -> Any:
    """Return the way to the page of the draft that the request made; ``None`` if it made none."""
    made = getattr(request, "access_draft", None)
    return redirect("admin:access_policydraft_change", made) if made else None


class DraftAdmin(AccessAdmin):
    """Drafts, the newest first. They are made on the forms of rules and roles, and by the API."""

    list_display = ["reason", "author", "changes_", "status_", "updated_at"]
    search_fields = ["reason", "author"]
    ordering = ["-updated_at"]

    def get_queryset(self, request: Any) -> QuerySet[PolicyDraft]:
        return draft_lists.with_status_figures(super().get_queryset(request))

    @admin.display(description=_("changes"))
    def changes_(self, draft: PolicyDraft) -> int:
        return len(draft.changes)

    @admin.display(description=_("status"))
    def status_(self, draft: PolicyDraft) -> Any:
        return STATUS_WORDS[draft_lists.listed_status(draft)]

    @method_decorator(csrf_protect)
    def change_view(
        self, request: Any, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> Any:
        """Show a draft with its impact, or do what a button says."""
        del form_url
        if not self.has_view_permission(request):
            raise PermissionDenied
        try:
            listed = draft_lists.draft(UUID(object_id))
        except (ValueError, DraftNotFound):
            self.message_user(request, _("There is no such draft any more."), messages.WARNING)
            return redirect("admin:access_policydraft_changelist")
        if request.method == "POST":
            return self._act(request, listed)
        return TemplateResponse(
            request, "access/draft.html", {**self._context(request, listed), **(extra_context or {})}
        )

    def _act(self, request: Any, listed: ListedDraft) -> Any:
        draft, now = listed.draft, timezone.now()
        seen = {int(text)} if (text := request.POST.get("seen_version", "")).isdecimal() else {0}
        by = author_of(request)
        is_approval = "_approve" in request.POST
        if not (request.user.has_perm(APPROVE) if is_approval else self.has_policy_permission(request)):
            raise PermissionDenied
        acts = {
            "_approve": lambda: approving.approve(draft_id=draft.pk, versions=seen, approver=by, now=now),
            "_apply": lambda: approving.apply(draft_id=draft.pk, versions=seen, by=by, now=now),
            "_delete": lambda: editing.delete(draft_id=draft.pk, versions=seen, author=by, now=now),
            "_shadow": lambda: switching.start(draft_id=draft.pk, duration=SHADOW, author=by, now=now),
            "_stop": lambda: switching.stop(draft_id=draft.pk, author=by, now=now),
        }
        done = [self.attempt(request, act) for button, act in acts.items() if button in request.POST]
        if "_delete" in request.POST and done == [True]:
            return redirect("admin:access_policydraft_changelist")
        return redirect("admin:access_policydraft_change", draft.pk)

    def _context(self, request: Any, listed: ListedDraft) -> dict[str, Any]:
        draft, now = listed.draft, timezone.now()
        is_open = listed.status in (DraftStatus.DRAFT, DraftStatus.APPROVED)
        impact, refusal = None, ""
        if is_open:
            try:
                impact = impact_of_draft(draft, since=now - HISTORY, now=now)
            except AccessError as error:
                refusal = sentence(error)
        run, is_shadowed = switching.run_of(draft, now=now)
        approvers = [f"user:{approval.approver_id}" for approval in listed.approvals]
        names = named(request.user, [*approvers, f"user:{draft.author_id}"])
        is_own = str(request.user.pk) == draft.author_id
        return {
            **self.admin_site.each_context(request),
            "title": draft.reason,
            "opts": self.opts,
            "draft": draft,
            "status": STATUS_WORDS[listed.status],
            "author": names[f"user:{draft.author_id}"],
            "approvals": [(names[who], each) for who, each in zip(approvers, listed.approvals, strict=True)],
            "needed": access_settings.APPROVERS,
            "is_open": is_open,
            "preview": shown(impact.proof) if impact else None,
            "history": impact.history if impact else None,
            "refusal": refusal,
            "run": run,
            "is_shadowed": is_shadowed,
            "may_change": self.has_policy_permission(request),
            "may_approve": request.user.has_perm(APPROVE) and not is_own,
        }
