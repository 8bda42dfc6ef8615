"""The admin pages of users, pending registrations, sessions and background jobs."""

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any
from uuid import UUID

import django.contrib.auth.admin  # noqa: F401 - registers the group, which is taken out below
from django.apps import apps
from django.contrib import admin, messages
from django.contrib.auth.models import Group
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from procrastinate.contrib.django.admin import ProcrastinateJobAdmin
from procrastinate.contrib.django.models import ProcrastinateJob

from accounts.administration import admin_factor_resets  # noqa: F401 - registers its list
from accounts.administration.language_filter import LanguageFilter
from accounts.errors import NotAllowed
from accounts.identifiers.names import email_key
from accounts.models import PendingRegistration, User
from accounts.rules.permissions import may
from accounts.services.administration import account_status
from accounts.services.passwords import attempts
from accounts.services.profile import deletion
from cedrina_base.read_only_admin import ReadOnlyAdmin
from cedrina_base.reason_form import ask_for_reason
from tokens.admin import SessionAdmin
from tokens.models import Session

# The forms of these apps would change permissions and factors without a security event.
_ALLAUTH_MODELS = [
    model for label in ("account", "mfa", "socialaccount") for model in apps.get_app_config(label).get_models()
]
admin.site.unregister([Group, *(model for model in _ALLAUTH_MODELS if admin.site.is_registered(model))])


@admin.register(User)
class UserAdmin(ReadOnlyAdmin):
    """All accounts, read-only, with actions. Password hashes are not loaded."""

    list_display = ["username", "email", "is_active", "is_staff", "tier", "is_confirmed", "created_at", "last_login"]
    list_filter = [
        "is_active",
        "is_staff",
        "tier",
        ("email_confirmed_at", admin.EmptyFieldListFilter),
        ("deleted_at", admin.EmptyFieldListFilter),
        LanguageFilter,
        "created_at",
    ]
    search_fields = ["username", "email", "email_folded"]
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
        """Find a whole id or address by its index; for any other term, read all users for a part of a name."""
        conditions = []
        with suppress(ValueError):
            conditions.append(Q(pk=UUID(search_term.strip())))
        if key := email_key(search_term):
            conditions.append(Q(email_folded=key))
        for condition in conditions:
            found = queryset.filter(condition)
            if found.exists():
                return found, False
        return super().get_search_results(request, queryset, search_term)

    def has_module_permission(self, request: Any) -> bool:
        return may(request.user, "users:read")

    def has_view_permission(self, request: Any, obj: Any = None) -> bool:
        return may(request.user, "users:read", obj)

    def has_change_status_permission(self, request: Any) -> bool:
        return may(request.user, "users:change")

    def has_end_sessions_permission(self, request: Any) -> bool:
        return may(request.user, "sessions:end")

    @admin.display(description=_("address confirmed"), boolean=True)
    def is_confirmed(self, user: User) -> bool:
        return user.is_email_confirmed

    @admin.action(description=_("End all sessions"), permissions=["end_sessions"])
    def end_sessions(self, request: Any, queryset: QuerySet[User]) -> Any:
        return self._act(request, queryset, title=_("End all sessions"), service=account_status.end_sessions)

    @admin.action(description=_("Deactivate"), permissions=["change_status"])
    def deactivate(self, request: Any, queryset: QuerySet[User]) -> Any:
        others = queryset.exclude(pk=request.user.pk)
        return self._act(request, others, title=_("Deactivate"), service=account_status.deactivate)

    @admin.action(description=_("Activate"), permissions=["change_status"])
    def activate(self, request: Any, queryset: QuerySet[User]) -> Any:
        return self._act(request, queryset, title=_("Activate"), service=account_status.activate)

    @admin.action(description=_("Restore deleted accounts"), permissions=["change_status"])
    def restore(self, request: Any, queryset: QuerySet[User]) -> Any:
        return self._act(request, queryset, title=_("Restore deleted accounts"), service=deletion.restore)

    @admin.action(description=_("Unlock"), permissions=["change_status"])
    def unlock(self, request: Any, queryset: QuerySet[User]) -> Any:
        return self._act(request, queryset, title=_("Unlock"), service=attempts.unlock)

    def _act(self, request: Any, queryset: QuerySet[User], *, title: Any, service: Callable[..., int]) -> Any:
        def act(user: Any, reason: str) -> bool:
            call = partial(service, user=user, by=request.user, reason=reason, now=timezone.now())
            return _call_or_show_refusal(self, request, user, call)

        return ask_for_reason(self, request, queryset, title=title, act=act)


admin.site.unregister(Session)


@admin.register(Session)
class AuthorizedSessionAdmin(SessionAdmin):
    """Sessions. Only users with at least the privileges of a session's user may end it."""

    def end_session(self, request: Any, session: Session, reason: str) -> bool:
        call = partial(
            account_status.end_session,
            session_id=session.pk,
            user=session.user,
            by=request.user,
            reason=reason,
            now=timezone.now(),
        )
        return _call_or_show_refusal(self, request, session.user, call)


admin.site.unregister(ProcrastinateJob)


@admin.register(ProcrastinateJob)
class SuperuserJobAdmin(ProcrastinateJobAdmin):
    """Background jobs. Only superusers may cancel them, because a job may be a mail to a user with more privileges."""

    def get_actions(self, request: Any) -> dict[str, Any]:
        return super().get_actions(request) if request.user.is_superuser else {}


def _call_or_show_refusal(model_admin: Any, request: Any, user: Any, call: Callable[[], int]) -> bool:
    """Call a service and return whether it changed anything. A refusal is shown and does not stop the other rows."""
    try:
        return call() > 0
    except NotAllowed as refusal:
        model_admin.message_user(request, f"{user}: {refusal.message}", messages.ERROR)
        return False


@admin.register(PendingRegistration)
class PendingRegistrationAdmin(ReadOnlyAdmin):
    """Pending registrations, also of addresses that have an account. Password hashes are not loaded."""

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
