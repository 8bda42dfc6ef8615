"""People: to be read, signed out, closed and opened."""

from collections.abc import Callable
from functools import partial
from typing import Any

import django.contrib.auth.admin  # noqa: F401 - registers the group, which is taken out below
from django.apps import apps
from django.contrib import admin, messages
from django.contrib.auth.models import Group
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _
from procrastinate.contrib.django.admin import ProcrastinateJobAdmin
from procrastinate.contrib.django.models import ProcrastinateJob

from accounts.errors import NotAllowed
from accounts.identifiers import email_key
from accounts.models import PendingRegistration, User
from accounts.rules.decisions import may
from accounts.services.administration import account_status
from accounts.services.passwords import attempts
from accounts.services.profile import deletion
from cedrina_base.read_only_admin import ReadOnlyAdmin
from cedrina_base.reason_form import ask_for_reason
from tokens.admin import SessionAdmin
from tokens.models import Session

# What staff may do is not to be widened by a form that records nothing.
_FOREIGN = [model for label in ("account", "mfa", "socialaccount") for model in apps.get_app_config(label).get_models()]
admin.site.unregister([Group, *(model for model in _FOREIGN if admin.site.is_registered(model))])


@admin.register(User)
class UserAdmin(ReadOnlyAdmin):
    """Everybody with an account. Password hashes are not even read."""

    list_display = ["username", "email", "is_active", "is_staff", "tier", "is_confirmed", "created_at", "last_login"]
    list_filter = [
        "is_active",
        "is_staff",
        "tier",
        ("email_confirmed_at", admin.EmptyFieldListFilter),
        ("deleted_at", admin.EmptyFieldListFilter),
        "locale",
    ]
    date_hierarchy = "created_at"
    search_fields = ["username", "email", "email_folded", "=id"]
    search_help_text = _("Part of a username or an address, or a whole id.")
    ordering = ["-id"]
    readonly_fields = (
        "id",
        "username",
        "email",
        "email_confirmed_at",
        "full_name",
        "locale",
        "tier",
        "department",
        "location",
        "is_active",
        "is_mfa_enabled",
        "is_staff",
        "is_superuser",
        "groups",
        "user_permissions",
        "version",
        "created_at",
        "updated_at",
        "last_login",
        "deleted_at",
    )
    fields = readonly_fields
    actions = ["end_sessions", "deactivate", "activate", "restore", "unlock"]

    def get_queryset(self, request: Any) -> QuerySet[User]:
        return super().get_queryset(request).defer("password")

    def get_search_results(
        self, request: Any, queryset: QuerySet[User], search_term: str
    ) -> tuple[QuerySet[User], bool]:
        """Find an address in whatever spelling, beside what has the term in it."""
        found, may_repeat = super().get_search_results(request, queryset, search_term)
        key = email_key(search_term)
        return (found | queryset.filter(email_folded=key) if key else found), may_repeat

    def has_module_permission(self, request: Any) -> bool:
        return may(request.user, "users:read")

    def has_view_permission(self, request: Any, obj: Any = None) -> bool:
        return may(request.user, "users:read", obj)

    def has_change_standing_permission(self, request: Any) -> bool:
        return may(request.user, "users:change")

    def has_end_sessions_permission(self, request: Any) -> bool:
        return may(request.user, "sessions:end")

    @admin.display(description=_("address confirmed"), boolean=True)
    def is_confirmed(self, user: User) -> bool:
        return user.is_email_confirmed

    @admin.action(description=_("End all sessions"), permissions=["end_sessions"])
    def end_sessions(self, request: Any, queryset: QuerySet[User]) -> Any:
        return self._act(request, queryset, title=_("End all sessions"), service=account_status.end_sessions)

    @admin.action(description=_("Deactivate"), permissions=["change_standing"])
    def deactivate(self, request: Any, queryset: QuerySet[User]) -> Any:
        others = queryset.exclude(pk=request.user.pk)
        return self._act(request, others, title=_("Deactivate"), service=account_status.deactivate)

    @admin.action(description=_("Activate"), permissions=["change_standing"])
    def activate(self, request: Any, queryset: QuerySet[User]) -> Any:
        return self._act(request, queryset, title=_("Activate"), service=account_status.activate)

    @admin.action(description=_("Restore deleted accounts"), permissions=["change_standing"])
    def restore(self, request: Any, queryset: QuerySet[User]) -> Any:
        return self._act(request, queryset, title=_("Restore deleted accounts"), service=deletion.restore)

    @admin.action(description=_("Unlock"), permissions=["change_standing"])
    def unlock(self, request: Any, queryset: QuerySet[User]) -> Any:
        return self._act(request, queryset, title=_("Unlock"), service=attempts.unlock)

    def _act(self, request: Any, queryset: QuerySet[User], *, title: Any, service: Callable[..., int]) -> Any:
        def act(user: Any, reason: str) -> bool:
            return _unless_refused(self, request, user, partial(service, user=user, by=request.user, reason=reason))

        return ask_for_reason(self, request, queryset, title=title, act=act)


admin.site.unregister(Session)


@admin.register(Session)
class GuardedSessionAdmin(SessionAdmin):
    """Who is signed in where; nobody ends sessions of accounts with more rights than their own."""

    def end_session(self, request: Any, session: Session, reason: str) -> bool:
        end = partial(
            account_status.end_session, session_id=session.pk, user=session.user, by=request.user, reason=reason
        )
        return _unless_refused(self, request, session.user, end)


admin.site.unregister(ProcrastinateJob)


@admin.register(ProcrastinateJob)
class JobAdmin(ProcrastinateJobAdmin):
    """Jobs to be read. Cancelling one keeps a mail from somebody, who may have more rights: superusers alone may."""

    def get_actions(self, request: Any) -> dict[str, Any]:
        return super().get_actions(request) if request.user.is_superuser else {}


def _unless_refused(page: Any, request: Any, user: Any, act: Callable[[], int]) -> bool:
    """Do it; where it is refused, go on with the other rows and say why."""
    try:
        return act() > 0
    except NotAllowed as refusal:
        page.message_user(request, f"{user}: {refusal.message}", messages.ERROR)
        return False


@admin.register(PendingRegistration)
class PendingRegistrationAdmin(ReadOnlyAdmin):
    """Registrations that wait for their confirmation, also of addresses that have an account. No password hashes."""

    list_display = ["username", "email", "created_at", "expires_at"]
    search_fields = ["username", "email_folded", "=id"]
    search_help_text = _("Part of a username or an address, or a whole id.")
    ordering = ["-id"]
    readonly_fields = ("id", "username", "email", "full_name", "locale", "created_at", "expires_at")
    fields = readonly_fields

    def get_queryset(self, request: Any) -> QuerySet[PendingRegistration]:
        return super().get_queryset(request).defer("password")

    def has_module_permission(self, request: Any) -> bool:
        return may(request.user, "users:read")

    def has_view_permission(self, request: Any, obj: Any = None) -> bool:
        return may(request.user, "users:read", obj)
