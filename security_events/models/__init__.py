"""The tables of this app."""

from security_events.models.events import SecurityEvent, category_choices
from security_events.models.sinks import Sink, SinkState
from security_events.models.webhooks import (
    DeliveryCause,
    DeliveryStatus,
    Webhook,
    WebhookDelivery,
    WebhookSecret,
)

__all__ = [
    "DeliveryCause",
    "DeliveryStatus",
    "SecurityEvent",
    "Sink",
    "SinkState",
    "Webhook",
    "WebhookDelivery",
    "WebhookSecret",
    "category_choices",
]
