"""The admin pages of users, pending registrations and sessions."""

from collections.abc import Callable
from functools import partial
from typing import Any
from uuid import UUID

import django.contrib.auth.admin  # noqa: F401 - registers the group, which is taken out below
from django.apps import apps
from django.contrib import admin, messages
from django.contrib.auth.models import Group
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.shortcuts import redirect
from django.urls import path
from django.utils.translation import gettext_lazy as _

from accounts import user_lists
from accounts.access.services.decisions import may
from accounts.administration import (
    admin_factor_resets,  # noqa: F401 - registers its list
    person_actions,
)
from accounts.administration.client_role_admin import RoleHoldingClientAdmin
from accounts.administration.language_filter import LanguageFilter
from accounts.administration.person_creation import creation_page
from accounts.administration.person_page import person_page
from accounts.errors import NotAllowed
from accounts.identifiers.names import email_key
from accounts.models import PendingRegistration, User
from accounts.services.administration import account_status
from accounts.services.administration.operator_action import OperatorAction
from accounts.services.administration.operator_actions import OPERATOR_ACTIONS
from accounts.services.passwords import attempts
from accounts.services.profile import deletion
from cedrina_base import database_clock
from cedrina_base.read_only_admin import ReadOnlyAdmin
from cedrina_base.reason_form import ask_for_reason
from tokens.admin import SessionAdmin
from tokens.models import ServiceClient, Session

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
    search_help_text = _("The beginning or a part of a username or an address, or a whole id.")
    ordering = ["-id"]
    actions = ["end_sessions", "deactivate", "activate", "restore", "unlock"]

    def get_urls(self) -> list[Any]:
        """Add the pages of the operator actions and of the end of one session."""
        own = [
            path("<uuid:user_id>/actions/<slug:name>/", self._site_view(self.action_view), name="accounts_user_action"),
            path(
                "<uuid:user_id>/sessions/<uuid:session_id>/end/",
                self._site_view(self.end_session_view),
                name="accounts_user_end_session",
            ),
        ]
        return [*own, *super().get_urls()]

    def add_view(self, request: Any, form_url: str = "", extra_context: dict[str, Any] | None = None) -> Any:
        """Show the form that creates and invites a person."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        return creation_page(self, request)

    def change_view(
        self, request: Any, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> Any:
        """Show the page of the person. It takes no form, so a POST is refused."""
        user = self.get_object(request, object_id)
        if user is None:
            return self._missing(request)
        if request.method not in {"GET", "HEAD"} or not self.has_view_permission(request, user):
            raise PermissionDenied
        return person_page(self, request, user)

    def history_view(self, request: Any, object_id: str, extra_context: dict[str, Any] | None = None) -> Any:
        """Show the timeline, which is the history."""
        return redirect("admin:accounts_user_change", object_id)

    def action_view(self, request: Any, user_id: UUID, name: str) -> Any:
        """Show the form of an operator action, or do the action."""
        action = OPERATOR_ACTIONS.get(name)
        return self._action_page(request, user_id, action) if action else self._missing(request)

    def end_session_view(self, request: Any, user_id: UUID, session_id: UUID) -> Any:
        """Show the form that ends one session, or end it."""
        return self._action_page(request, user_id, person_actions.end_session_action(session_id))

    def _action_page(self, request: Any, user_id: UUID, action: OperatorAction) -> Any:
        user = self.get_object(request, str(user_id))
        if user is None:
            return self._missing(request)
        if not self.has_view_permission(request, user) or not may(request.user, action.permission):
            raise PermissionDenied
        return person_actions.action_page(self, request, user=user, action=action)

    def _missing(self, request: Any) -> Any:
        self.message_user(request, _("This does not exist, or not any more."), messages.WARNING)
        return redirect("admin:accounts_user_changelist")

    def _site_view(self, view: Callable[..., Any]) -> Callable[..., Any]:
        return self.admin_site.admin_view(view)

    def get_queryset(self, request: Any) -> QuerySet[User]:
        return super().get_queryset(request).defer("password")

    def get_search_results(
        self, request: Any, queryset: QuerySet[User], search_term: str
    ) -> tuple[QuerySet[User], bool]:
        """Find an id, a whole address or the beginning of a name by an index; otherwise read all users for a part."""
        term = search_term.strip()
        if key := email_key(term):
            found = queryset.filter(email_folded=key)
            if found.exists():
                return found, False
        found = user_lists.matching(queryset, search=term) if term else queryset
        if not term or found.exists():
            return found, False
        return super().get_search_results(request, queryset, search_term)

    def has_module_permission(self, request: Any) -> bool:
        return may(request.user, "users:read")

    def has_view_permission(self, request: Any, obj: Any = None) -> bool:
        return may(request.user, "users:read")

    def has_add_permission(self, request: Any, _obj: Any = None) -> bool:
        return may(request.user, "users:create")

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
        if "confirmed" not in request.POST and queryset.filter(pk=request.user.pk).exists():
            self.message_user(request, _("Your own account is left out."), messages.WARNING)
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
            call = partial(service, user=user, by=request.user, reason=reason, now=database_clock.now())
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
            now=database_clock.now(),
        )
        return _call_or_show_refusal(self, request, session.user, call)


admin.site.unregister(ServiceClient)
admin.site.register(ServiceClient, RoleHoldingClientAdmin)


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
        return may(request.user, "users:read")
