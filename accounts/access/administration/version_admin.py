"""The admin's pages of versions: what each changed, and the way back."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.access.administration.base import AccessAdmin, author_of
from accounts.access.models import PolicyVersion
from accounts.access.services.policy_restoring import rollback
from accounts.access.types import ChangeKind
from cedrina_base.reason_form import ReasonForm, confirmation_page

_KINDS = {
    ChangeKind.RULE: _("rule"),
    ChangeKind.ROLE: _("role"),
    ChangeKind.GRANT: _("granted role"),
    ChangeKind.DRAFT: _("draft"),
    ChangeKind.APPROVAL: _("approval"),
    ChangeKind.UNAPPROVED: _("without approval"),
}
_NO_CHANGES = {ChangeKind.DRAFT, ChangeKind.APPROVAL, ChangeKind.UNAPPROVED}


@dataclass(frozen=True, slots=True)
class ShownChange:
    """One change of a version: what it is about, and each member that differs, before and after."""

    kind: Any
    key: str
    what: str  # added, changed or removed
    members: list[tuple[str, Any, Any]]


class VersionAdmin(AccessAdmin):
    """All versions, the newest first."""

    list_display = ["number", "summary", "author_", "reason", "created_at"]
    search_fields = ["author", "reason"]
    ordering = ["-number"]
    actions = ["roll_back"]
    change_form_template = "access/version.html"

    @admin.display(description=_("changes"))
    def summary(self, version: PolicyVersion) -> str:
        """Return how many of each kind changed."""
        if version.restored is not None:
            return str(_("back to version %d") % version.restored)
        kinds = [change["kind"] for change in version.changes]
        counted = {kind: kinds.count(kind) for kind in dict.fromkeys(kinds)}
        return ", ".join(f"{_KINDS[ChangeKind(kind)]}: {number}" for kind, number in counted.items())

    @admin.display(description=_("author"))
    def author_(self, version: PolicyVersion) -> str:
        return version.author or "manage.py"

    def changeform_view(
        self, request: Any, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> Any:
        """Show what a version changed."""
        version = self.get_object(request, object_id) if object_id else None
        shown = [_shown(change) for change in version.changes] if version else []
        extra = {**(extra_context or {}), "changes": shown, "version": version}
        return super().changeform_view(request, object_id, form_url, extra)

    @admin.action(description=_("Roll back to this version"), permissions=["policy"])
    def roll_back(self, request: Any, queryset: QuerySet[PolicyVersion]) -> Any:
        if len(queryset) != 1:
            self.message_user(request, _("Choose one version."), messages.ERROR)
            return None
        version, form = queryset[0], ReasonForm.of(request)
        if not form.is_valid():
            return confirmation_page(
                self,
                request,
                form=form,
                rows=queryset,
                title=_("Roll back to this version"),
                template="access/rollback.html",
            )
        made: list[int] = []

        def change() -> None:
            made.append(
                rollback(
                    number=version.number,
                    author=author_of(request),
                    reason=form.cleaned_data["reason"],
                    now=timezone.now(),
                )
            )

        if self.attempt(request, change):
            self.message_user(request, _("This is version %(number)d now.") % {"number": made[0]}, messages.SUCCESS)
        return None


def _shown(change: dict[str, Any]) -> ShownChange:
    before, after = change["before"] or {}, change["after"] or {}
    # What is empty both times, such as a note that nobody wrote, is no difference.
    names = [name for name in {**before, **after} if (before.get(name) or None) != (after.get(name) or None)]
    if change["kind"] in _NO_CHANGES:
        return ShownChange(_KINDS[ChangeKind(change["kind"])], change["key"], "noted", list(_noted(after)))
    what = "added" if not change["before"] else "removed" if not change["after"] else "changed"
    members = [(name, _text(before.get(name)), _text(after.get(name))) for name in names]
    return ShownChange(_KINDS[ChangeKind(change["kind"])], change["key"], what, members)


def _text(value: Any) -> Any:
    """Return names as a list of words, and other lists and objects as JSON, as operators write them."""
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        return ", ".join(value) or None
    return json.dumps(value, ensure_ascii=False) if isinstance(value, list | dict) else value


def _noted(after: dict[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    """Return what an entry says that changed nothing, as if it were new."""
    for name, value in after.items():
        yield name, None, value
