"""Admin pages that show sessions, families and keys, and end sessions. They read neither digests nor private keys."""

import ipaddress
from contextlib import suppress
from functools import reduce
from operator import or_
from typing import Any
from uuid import UUID

from django.contrib import admin
from django.contrib.auth import get_user_model
from django.core.exceptions import ObjectDoesNotExist
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from cedrina_base import database_clock
from cedrina_base.read_only_admin import ReadOnlyAdmin, short_id
from cedrina_base.reason_form import ask_for_reason
from tokens import devices
from tokens.conf import token_settings
from tokens.end_reasons import ADMINISTRATOR
from tokens.models import RefreshKeyEpoch, ServiceClient, Session, SignalStream, SigningKey, TokenFamily
from tokens.service_client_admin import ServiceClientAdmin
from tokens.services import revocation
from tokens.signal_stream_admin import SignalStreamAdmin
from tokens.users import subject_of

admin.site.register(ServiceClient, ServiceClientAdmin)
admin.site.register(SignalStream, SignalStreamAdmin)


class TokensAdmin(ReadOnlyAdmin):
    """Shows rows to users who may do the action ``view_action`` (``TOKENS["MAY"]``)."""

    view_action: str

    def has_module_permission(self, request: Any) -> bool:
        return self.has_view_permission(request)

    def has_view_permission(self, request: Any, _obj: Any = None) -> bool:
        return token_settings.MAY(request.user, self.view_action)


class UserRowsAdmin(TokensAdmin):
    """Shows rows that belong to users. Both tables are large, so a search uses an index where it can."""

    search_fields = ["user__username", "user__email"]
    id_columns: tuple[str, ...]

    def get_search_results(self, request: Any, queryset: QuerySet[Any], search_term: str) -> tuple[QuerySet[Any], bool]:
        """Find a whole id or the whole name of a user by an index; otherwise read all rows for a part of a name."""
        term = search_term.strip()
        if not term:
            return queryset, False
        users: Any = get_user_model()._default_manager
        with suppress(ObjectDoesNotExist):
            return queryset.filter(user=users.get_by_natural_key(term)), False
        with suppress(ValueError):
            identity = UUID(term)
            return queryset.filter(reduce(or_, (Q(**{column: identity}) for column in self.id_columns))), False
        return super().get_search_results(request, queryset, search_term)


@admin.register(Session)
class SessionAdmin(UserRowsAdmin):
    """Sessions. The action ``sessions:end`` allows users to end them."""

    view_action = "sessions:read"
    list_display = ["user", "kind", "device", "ip_address", "created_at", "last_activity_at", "ended_at", "end_reason"]
    list_filter = ["kind", ("ended_at", admin.EmptyFieldListFilter), "end_reason", "created_at"]
    list_select_related = ["user"]
    id_columns = ("pk", "user_id")
    ordering = ["-id"]
    readonly_fields = (
        "id",
        "user",
        "kind",
        "device",
        "ip_address",
        "user_agent",
        "created_at",
        "last_activity_at",
        "authenticated_at",
        "amr",
        "expires_at",
        "ended_at",
        "end_reason",
    )
    fields = readonly_fields
    actions = ["end"]

    def get_search_results(
        self, request: Any, queryset: QuerySet[Session], search_term: str
    ) -> tuple[QuerySet[Session], bool]:
        """Find an address of the network, too; this reads all sessions."""
        with suppress(ValueError):
            return queryset.filter(ip_address=str(ipaddress.ip_address(search_term.strip()))), False
        return super().get_search_results(request, queryset, search_term)

    @admin.display(description=_("device"))
    def device(self, session: Session) -> str:
        return devices.device_name(session.user_agent)

    def has_end_permission(self, request: Any) -> bool:
        return token_settings.MAY(request.user, "sessions:end")

    @admin.action(description=_("End sessions"), permissions=["end"])
    def end(self, request: Any, queryset: QuerySet[Session]) -> Any:
        def act(session: Any, reason: str) -> bool:
            return self.end_session(request, session, reason)

        return ask_for_reason(self, request, queryset, title=_("End sessions"), act=act)

    def end_session(self, request: Any, session: Session, reason: str) -> bool:
        """End one session. Override this to check which administrators may end whose sessions."""
        return revocation.end_session(
            session_id=session.pk,
            user_id=session.user_id,
            reason=ADMINISTRATOR,
            actor=subject_of(request.user),
            note=reason,
            now=database_clock.now(),
        )


@admin.register(TokenFamily)
class TokenFamilyAdmin(UserRowsAdmin):
    """Token families, without their digests."""

    view_action = "sessions:read"
    list_display = ["identity", "user", "generation", "rotated_at", "expires_at", "is_revoked", "revoke_reason"]
    list_filter = ["is_revoked", "revoke_reason"]
    list_select_related = ["user"]
    id_columns = ("pk", "session_id", "user_id")
    ordering = ["-family_id"]
    readonly_fields = (
        "family_id",
        "user",
        "session",
        "generation",
        "confirmed_generation",
        "created_at",
        "rotated_at",
        "repeated_at",
        "repeats",
        "foreign_repeats",
        "expires_at",
        "is_revoked",
        "revoked_at",
        "revoke_reason",
    )
    fields = readonly_fields

    @admin.display(description=_("token family"))
    def identity(self, family: TokenFamily) -> str:
        return short_id(family.pk)

    def get_queryset(self, request: Any) -> QuerySet[TokenFamily]:
        digests = ("token_hash", "previous_token_hash", "client_network", "client_kind")
        return super().get_queryset(request).defer(*digests)


@admin.register(RefreshKeyEpoch)
class RefreshKeyEpochAdmin(TokensAdmin):
    """The epoch of the refresh token key."""

    view_action = "keys:read"
    list_display = ["current", "minimum", "changed_at"]
    readonly_fields = ("current", "minimum", "changed_at")
    fields = readonly_fields


@admin.register(SigningKey)
class SigningKeyAdmin(TokensAdmin):
    """Signing keys, without their private keys."""

    view_action = "keys:read"
    list_display = ["kid", "algorithm", "signs_access_tokens", "created_at", "activated_at", "retired_at", "expires_at"]
    search_fields = ["=kid"]
    ordering = ["-activated_at"]
    readonly_fields = (
        "kid",
        "algorithm",
        "signs_access_tokens",
        "public_key",
        "created_at",
        "activated_at",
        "retired_at",
        "expires_at",
    )
    fields = readonly_fields

    def get_queryset(self, request: Any) -> QuerySet[SigningKey]:
        return super().get_queryset(request).defer("private_key")
