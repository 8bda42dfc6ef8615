"""The tables of this app."""

from security_events.models.events import SecurityEvent, category_choices
from security_events.models.sink_risks import SinkRisk
from security_events.models.sinks import Sink, SinkState
from security_events.models.trail import TRAIL_TABLES, AuditKey, CheckpointCosignature, TrailCheckpoint
from security_events.models.webhooks import (
    DeliveryCause,
    DeliveryStatus,
    Webhook,
    WebhookDelivery,
    WebhookSecret,
)

__all__ = [
    "TRAIL_TABLES",
    "AuditKey",
    "CheckpointCosignature",
    "DeliveryCause",
    "DeliveryStatus",
    "SecurityEvent",
    "Sink",
    "SinkRisk",
    "SinkState",
    "TrailCheckpoint",
    "Webhook",
    "WebhookDelivery",
    "WebhookSecret",
    "category_choices",
]
