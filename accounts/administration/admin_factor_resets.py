"""The admin's list of resets of second factors."""

from typing import Any

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from accounts.access.services.decisions import may
from accounts.models import SecondFactorReset
from cedrina_base.read_only_admin import ReadOnlyAdmin


@admin.register(SecondFactorReset)
class SecondFactorResetAdmin(ReadOnlyAdmin):
    """Resets that wait or have ended in the last month. They are requested and withdrawn at the person."""

    list_display = ["user", "requested_at", "due_at", "outcome", "closed_at"]
    list_filter = ["outcome", "requested_at"]
    list_select_related = ["user"]
    search_fields = ["=user__id", "=user__username", "=user__email_folded"]
    search_help_text = _("A whole username, address or id.")
    ordering = ["-requested_at", "-id"]
    readonly_fields = ("user", "requested_by", "requested_at", "due_at", "outcome", "closed_at")
    fields = readonly_fields

    def has_module_permission(self, request: Any) -> bool:
        return may(request.user, "users:read")

    def has_view_permission(self, request: Any, obj: Any = None) -> bool:
        return may(request.user, "users:read")
