"""What the pages of access control share: who may see and change, who writes, and how refusals are said."""

from collections.abc import Callable, Collection, Mapping
from typing import Any, ClassVar

from django.contrib import messages
from django.utils.translation import gettext_lazy as _

from accounts.access.conf import access_settings
from accounts.access.errors import (
    AccessError,
    ApprovalMissing,
    ApprovalRequired,
    ImpactBusy,
    LastAdministrator,
    NotApprover,
    OwnDraft,
    RoleInUse,
    RoleNotFound,
    RolesInvalid,
    RuleExists,
    RuleInvalid,
    SeparationOfDuty,
    ShadowInUse,
    StaleDraft,
    VersionMismatch,
)
from accounts.access.types import Author
from cedrina_base.read_only_admin import ReadOnlyAdmin

VIEW, CHANGE = "access.view_policyrule", "access.change_policyrule"
_SENTENCES: Mapping[type[AccessError], Any] = {
    RuleExists: _("There is a rule that says the same already."),
    RoleNotFound: _("There is no role of this name."),
    RoleInUse: _("Somebody has this role, or another role or a rule names it. Take that away first."),
    SeparationOfDuty: _("Nobody may have these two roles together."),
    VersionMismatch: _("This was changed in the meantime. Look at it again, then repeat your change."),
    ApprovalRequired: _("Rules and roles are changed by approved drafts here. Save it as a draft."),
    ApprovalMissing: _("Other people must approve this draft first."),
    OwnDraft: _("Nobody approves a draft of their own."),
    NotApprover: _("Only people approve drafts."),
    StaleDraft: _("Rules or roles were changed since this draft was made. Make it anew."),
    ShadowInUse: _("Another draft is evaluated beside the policy now."),
    ImpactBusy: _("The impact of another draft is being computed. Load this page again in a moment."),
    LastAdministrator: _("After this, nobody could administer access any more."),
}


class AccessAdmin(ReadOnlyAdmin):
    """Base of the pages. Who may read rules may see them all."""

    show_full_result_count = True

    class Media:
        css: ClassVar = {"all": ["access/access.css"]}

    def has_module_permission(self, request: Any) -> bool:
        return self.has_view_permission(request)

    def has_view_permission(self, request: Any, _obj: Any = None) -> bool:
        return bool(request.user.has_perm(VIEW))

    def has_policy_permission(self, request: Any) -> bool:
        """Return whether the policy may be changed; also the permission of actions named ``policy``."""
        return bool(request.user.has_perm(CHANGE))

    def attempt(self, request: Any, change: Callable[[], Any]) -> bool:
        """Make a change; a refusal becomes a message. Return whether it was made."""
        try:
            change()
        except AccessError as error:
            self.message_user(request, sentence(error), messages.ERROR)
            return False
        return True


def author_of(request: Any) -> Author:
    """Return the person of a request as the author of a change."""
    return Author(id=str(request.user.pk), name=request.user.get_username())


def sentence(error: AccessError) -> str:
    """Return what a refusal says to people."""
    if isinstance(error, RuleInvalid | RolesInvalid):
        return str(error.sentence)
    return str(_SENTENCES.get(type(error), _("This can't be done now.")))


def named(viewer: Any, subjects: Collection[str]) -> dict[str, tuple[str, str]]:
    """Return for each subject what to show and the address of its page, empty if there is none to see."""
    links = access_settings.SUBJECT_LINKS(viewer, [each for each in subjects if not each.startswith("role:")])
    return {subject: links.get(subject, (subject, "")) for subject in subjects}
