"""The tables of webhooks: addresses that events are sent to, their secrets, and the log of deliveries."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from cedrina_base.uuids import uuid7
from security_events.fields import EncryptedSecretField
from security_events.models.sinks import Sink

# A catalogue may grow; a type that is no longer declared stays in the rows.
MOST_TYPES = 200


class Webhook(models.Model):
    """A URL that events are sent to by Standard Webhooks 1.0.0. Its position and its state are those of its sink.

    ``types`` are the ids of event types; an empty list stands for all of them. ``version`` grows with each change.
    """

    sink = models.OneToOneField(Sink, models.CASCADE, primary_key=True, related_name="webhook")
    url = models.CharField(_("URL"), max_length=2048)
    types = models.JSONField(_("types"), default=list, blank=True)
    format = models.CharField(_("format"), max_length=16)
    version = models.PositiveIntegerField(default=1)
    created_by = models.CharField(_("created by"), max_length=64, blank=True)
    updated_at = models.DateTimeField(_("updated at"))

    class Meta:
        verbose_name = _("webhook")
        verbose_name_plural = _("webhooks")

    def __str__(self) -> str:
        return self.sink.name


class WebhookSecret(models.Model):
    """A secret that messages are signed with, and an Ed25519 key beside it; accepted until ``expires_at``."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    webhook = models.ForeignKey(Webhook, models.CASCADE, related_name="secrets")
    secret = EncryptedSecretField()
    private_key = EncryptedSecretField()
    public_key = models.CharField(max_length=64)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"secret of {self.webhook_id}"


class DeliveryCause(models.TextChoices):
    """Why a message was sent."""

    EVENT = "event", _("event")
    REPLAY = "replay", _("replay")
    TEST = "test", _("test")


class DeliveryStatus(models.TextChoices):
    """What became of a message."""

    QUEUED = "queued", _("queued")
    FAILING = "failing", _("failing, tried again")
    DELIVERED = "delivered", _("delivered")
    FAILED = "failed", _("failed")


class WebhookDelivery(models.Model):
    """One message to one webhook, for operators. It holds nothing of the message, of secrets or of the answer's body.

    ``message_id`` is the ``webhook-id``: that of the event, or one of its own for a test.
    """

    id = models.UUIDField(_("id"), primary_key=True, default=uuid7, editable=False)
    webhook = models.ForeignKey(Webhook, models.CASCADE, related_name="deliveries", db_index=False)
    cause = models.CharField(_("cause"), max_length=8, choices=DeliveryCause)
    message_id = models.UUIDField(_("message"))
    type = models.CharField(_("type"), max_length=64)
    status = models.CharField(_("status"), max_length=16, choices=DeliveryStatus)
    attempts = models.PositiveIntegerField(_("attempts"), default=0)
    response_status = models.PositiveIntegerField(_("status of the answer"), null=True, blank=True)
    error = models.CharField(_("error"), max_length=64, blank=True)
    duration_ms = models.PositiveIntegerField(_("milliseconds"), null=True, blank=True)
    created_at = models.DateTimeField(_("created at"))
    attempted_at = models.DateTimeField(_("last attempt"), null=True, blank=True)

    class Meta:
        verbose_name = _("delivery")
        verbose_name_plural = _("deliveries")
        indexes = [
            models.Index(fields=["webhook", "-id"], name="security_events_delivery_list"),
            models.Index(
                fields=["webhook", "status", "-id"],
                name="security_events_delivery_open",
                condition=~models.Q(status=DeliveryStatus.DELIVERED),
            ),
        ]
        constraints = [
            # An event that is delivered again after a kill, or tried again, stays one line of the log.
            models.UniqueConstraint(
                fields=["webhook", "message_id"],
                condition=models.Q(cause=DeliveryCause.EVENT),
                name="security_events_delivery_event",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.message_id}"
