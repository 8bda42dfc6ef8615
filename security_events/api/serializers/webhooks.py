"""Shapes of webhooks going in and out. What their members may be is for ``webhooks.members`` to say."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from cedrina_base.strict_serializers import (
    StrictBooleanField,
    StrictCharField,
    StrictChoiceField,
    StrictIntegerField,
    StrictSerializer,
)
from security_events.exporters.formats import ExportFormat
from security_events.models import DeliveryCause, DeliveryStatus, SinkState, Webhook
from security_events.models.webhooks import MOST_TYPES

DEFAULT_OVERLAP = 86_400
DISABLED = "disabled"
_LONGEST_URL, _LONGEST_TYPE = 2048, 64
_BAD_CURSOR = _("The cursor is not one of ours.")


class WebhookMembers(StrictSerializer):
    """The members that an operator sets."""

    url = StrictCharField(max_length=_LONGEST_URL, required=False, help_text="Where events are posted to.")
    types = serializers.ListField(
        child=StrictCharField(max_length=_LONGEST_TYPE),
        max_length=MOST_TYPES,
        required=False,
        help_text="The event types that are sent; an empty list, the default, stands for all.",
    )
    format = StrictChoiceField(choices=list(ExportFormat), required=False, help_text="What `data` of a message holds.")
    is_enabled = StrictBooleanField(required=False)


class WebhookInput(WebhookMembers):
    """A webhook to register."""

    url = StrictCharField(max_length=_LONGEST_URL, help_text="Where events are posted to.")


class WebhookChangeInput(WebhookMembers):
    """Members to change; what is left out stays."""


class SecretOverlapInput(StrictSerializer):
    """For how long messages are signed with the secret before, too."""

    overlap_seconds = StrictIntegerField(min_value=0, default=DEFAULT_OVERLAP, help_text="A day by default.")


class EmptyInput(StrictSerializer):
    """No members."""


class ReplayInput(StrictSerializer):
    """From which time on events are sent again."""

    since = serializers.DateTimeField()


class WebhookPageInput(StrictSerializer):
    """Which part of a list is wanted. The cursor is what the page before gave as ``next``."""

    limit = serializers.IntegerField(min_value=1, max_value=200, default=50)
    cursor = serializers.CharField(required=False)

    def validate_cursor(self, value: str) -> UUID:
        try:
            return UUID(hex=value)
        except ValueError as error:
            raise serializers.ValidationError(_BAD_CURSOR, code="invalid") from error


class DeliveryPageInput(WebhookPageInput):
    """A page of the log, newest first."""

    status = StrictChoiceField(choices=list(DeliveryStatus), required=False)


class WebhookSecretOutput(serializers.Serializer[object]):
    """When a secret was made, and until when messages are signed with it."""

    created_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField(allow_null=True)


class WebhookOutput(serializers.Serializer[object]):
    """A webhook. ``secret`` is in the answer that made it, and never again."""

    id = serializers.UUIDField()
    url = serializers.CharField()
    types = serializers.ListField(child=serializers.CharField())
    format = serializers.CharField()
    is_enabled = serializers.BooleanField()
    state = serializers.ChoiceField(
        choices=[*SinkState.values, DISABLED], help_text="`parked` after 76 hours of failures, `gone` after a 410."
    )
    failed_attempts = serializers.IntegerField(help_text="In a row.")
    failing_since = serializers.DateTimeField(allow_null=True)
    next_attempt_at = serializers.DateTimeField(allow_null=True)
    last_error = serializers.CharField(allow_null=True)
    last_delivered_at = serializers.DateTimeField(allow_null=True)
    public_key = serializers.CharField(help_text="Verifies the signatures `v1a` (Ed25519).")
    secrets = WebhookSecretOutput(many=True)
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()
    created_by = serializers.CharField(allow_null=True, help_text="The id of the person who registered it.")
    secret = serializers.CharField(required=False, help_text="Signs the messages (`v1`, HMAC-SHA-256).")


class WebhookListOutput(serializers.Serializer[object]):
    """A page of webhooks, the oldest first."""

    results = WebhookOutput(many=True)
    next = serializers.CharField(allow_null=True)


class DeliveryOutput(serializers.Serializer[object]):
    """One message to a webhook, and what became of it."""

    id = serializers.UUIDField()
    cause = serializers.ChoiceField(choices=DeliveryCause.choices)
    message_id = serializers.UUIDField(help_text="The `webhook-id`: the event's id.")
    type = serializers.CharField()
    status = serializers.ChoiceField(choices=DeliveryStatus.choices)
    attempts = serializers.IntegerField()
    response_status = serializers.IntegerField(allow_null=True)
    error = serializers.CharField(allow_blank=True)
    duration_ms = serializers.IntegerField(allow_null=True)
    created_at = serializers.DateTimeField()
    attempted_at = serializers.DateTimeField(allow_null=True)


class DeliveryListOutput(serializers.Serializer[object]):
    """A page of the log, newest first."""

    results = DeliveryOutput(many=True)
    next = serializers.CharField(allow_null=True)


def webhook_body(webhook: Webhook, *, secret: str | None = None) -> dict[str, Any]:
    """Return a webhook as the API shows it; ``secret`` is one that was made by this request."""
    sink, secrets = webhook.sink, sorted(webhook.secrets.all(), key=lambda each: each.pk)
    return {
        "id": str(webhook.pk),
        "url": webhook.url,
        "types": webhook.types,
        "format": webhook.format,
        "is_enabled": sink.is_enabled,
        "state": DISABLED if not sink.is_enabled and sink.state != SinkState.GONE else sink.state,
        "failed_attempts": sink.attempts,
        "failing_since": _time(sink.failing_since),
        "next_attempt_at": _time(sink.next_attempt_at),
        "last_error": sink.last_error or None,
        "last_delivered_at": _time(sink.last_delivered_at),
        "public_key": secrets[-1].public_key,
        "secrets": [{"created_at": _time(each.created_at), "expires_at": _time(each.expires_at)} for each in secrets],
        "created_at": _time(sink.created_at),
        "updated_at": _time(webhook.updated_at),
        "created_by": webhook.created_by or None,
        **({"secret": secret} if secret else {}),
    }


def _time(moment: datetime | None) -> str | None:
    text: str | None = serializers.DateTimeField().to_representation(moment) if moment else None
    return text
