"""People: to be read, signed out, closed and opened."""

from typing import Any

from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import Group
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from accounts.access.decisions import may
from accounts.models import PendingRegistration, User
from accounts.services import attempts, deletion, standing
from security_events.admin_pages import ReadOnlyAdmin, ask_for_reason

# What staff may do is not to be widened by a form that records nothing.
_FOREIGN = [model for label in ("account", "mfa", "socialaccount") for model in apps.get_app_config(label).get_models()]
admin.site.unregister([Group, *(model for model in _FOREIGN if admin.site.is_registered(model))])


@admin.register(User)
class UserAdmin(ReadOnlyAdmin):
    """Everybody with an account. Password hashes are not even read."""

    list_display = ["username", "email", "is_active", "is_staff", "tier", "is_confirmed", "created_at", "last_login"]
    list_filter = ["is_active", "is_staff", "tier", ("email_confirmed_at", admin.EmptyFieldListFilter),
                   ("deleted_at", admin.EmptyFieldListFilter), "locale"]  # fmt: skip
    date_hierarchy = "created_at"
    search_fields = ["username", "email_folded", "=id"]
    search_help_text = _("Part of a username or an address, or a whole id.")
    ordering = ["-id"]
    readonly_fields = (
        "id", "username", "email", "email_confirmed_at", "full_name", "locale", "tier", "department", "location",
        "is_active", "is_mfa_enabled", "is_staff", "is_superuser", "groups", "user_permissions", "version",
        "created_at", "updated_at", "last_login", "deleted_at",
    )  # fmt: skip
    fields = readonly_fields
    actions = ["end_sessions", "deactivate", "activate", "restore", "unlock"]

    def get_queryset(self, request: Any) -> QuerySet[User]:
        return super().get_queryset(request).defer("password")

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
        def act(user: Any, reason: str) -> bool:
            return standing.end_sessions(user=user, by=request.user, reason=reason) > 0

        return ask_for_reason(self, request, queryset, title=_("End all sessions"), act=act)

    @admin.action(description=_("Deactivate"), permissions=["change_standing"])
    def deactivate(self, request: Any, queryset: QuerySet[User]) -> Any:
        def act(user: Any, reason: str) -> bool:
            return standing.deactivate(user=user, by=request.user, reason=reason)

        return ask_for_reason(self, request, queryset.exclude(pk=request.user.pk), title=_("Deactivate"), act=act)

    @admin.action(description=_("Activate"), permissions=["change_standing"])
    def activate(self, request: Any, queryset: QuerySet[User]) -> Any:
        def act(user: Any, reason: str) -> bool:
            return standing.activate(user=user, by=request.user, reason=reason)

        return ask_for_reason(self, request, queryset, title=_("Activate"), act=act)

    @admin.action(description=_("Restore deleted accounts"), permissions=["change_standing"])
    def restore(self, request: Any, queryset: QuerySet[User]) -> Any:
        def act(user: Any, reason: str) -> bool:
            return deletion.restore(user=user, by=request.user, reason=reason)

        return ask_for_reason(self, request, queryset, title=_("Restore deleted accounts"), act=act)

    @admin.action(description=_("Unlock"), permissions=["change_standing"])
    def unlock(self, request: Any, queryset: QuerySet[User]) -> Any:
        def act(user: Any, reason: str) -> bool:
            return attempts.unlock(user=user, by=request.user, reason=reason) > 0

        return ask_for_reason(self, request, queryset, title=_("Unlock"), act=act)


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
