"""The admin's page of deliveries to webhooks: a list to read, and to send some again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.utils import timezone
from django.utils.encoding import force_str
from django.utils.translation import gettext_lazy as _

from cedrina_base.read_only_admin import ReadOnlyAdmin, short_id
from security_events.errors import SecurityEventRefusal
from security_events.services import webhooks
from security_events.webhooks.members import host_of

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from security_events.models import WebhookDelivery


class WebhookDeliveryAdmin(ReadOnlyAdmin):
    """Deliveries, the newest first."""

    list_display = ["attempted", "receiver", "type", "cause", "status", "error", "message"]
    list_filter = ["status", "cause"]
    list_select_related = ["webhook"]
    ordering = ["-pk"]
    search_fields = ["=webhook__pk", "=message_id"]
    search_help_text = _("The whole id of a webhook or of an event.")
    fields = readonly_fields = (
        "receiver",
        "type",
        "cause",
        "status",
        "message_id",
        "attempts",
        "response_status",
        "error",
        "duration_ms",
        "created_at",
        "attempted_at",
    )
    actions = ["send_again"]

    def has_view_permission(self, request: Any, _obj: Any = None) -> bool:
        return bool(request.user.has_perm("security_events.view_webhook"))

    def has_module_permission(self, request: Any) -> bool:
        return self.has_view_permission(request)

    def has_send_permission(self, request: Any) -> bool:
        """Return whether the action is offered: Django asks by its name."""
        return bool(request.user.has_perm("security_events.change_webhook"))

    @admin.display(description=_("time"))
    def attempted(self, delivery: WebhookDelivery) -> Any:
        return delivery.attempted_at or delivery.created_at

    @admin.display(description=_("receiver"))
    def receiver(self, delivery: WebhookDelivery) -> str:
        return host_of(delivery.webhook.url)

    @admin.display(description=_("message"))
    def message(self, delivery: WebhookDelivery) -> str:
        return short_id(delivery.message_id)

    @admin.action(description=_("Send again"), permissions=["send"])
    def send_again(self, request: Any, queryset: QuerySet[WebhookDelivery]) -> None:
        sent = 0
        for delivery in queryset.order_by("pk")[: webhooks.MOST_QUEUED]:
            try:
                webhooks.replay_delivery(webhook_id=delivery.webhook_id, delivery_id=delivery.pk, now=timezone.now())
            except SecurityEventRefusal as error:
                self.message_user(request, force_str(error.message), messages.ERROR)
                break
            sent += 1
        if sent:
            self.message_user(request, _("%(count)d deliveries are sent again.") % {"count": sent}, messages.SUCCESS)
