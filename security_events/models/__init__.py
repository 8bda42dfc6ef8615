"""The tables of this app."""

from security_events.models.detection import (
    MODE_NAMES,
    RESPONSE_NAMES,
    STATUS_NAMES,
    VERDICT_NAMES,
    ClientCount,
    DetectionFact,
    Incident,
    IncidentEvent,
    IncidentResponse,
    RuleVersion,
    ShadowCount,
)
from security_events.models.detection_state import DetectionPosition, ShadowReport
from security_events.models.event_counts import EventCount
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
    "MODE_NAMES",
    "RESPONSE_NAMES",
    "STATUS_NAMES",
    "TRAIL_TABLES",
    "VERDICT_NAMES",
    "AuditKey",
    "CheckpointCosignature",
    "ClientCount",
    "DeliveryCause",
    "DeliveryStatus",
    "DetectionFact",
    "DetectionPosition",
    "EventCount",
    "Incident",
    "IncidentEvent",
    "IncidentResponse",
    "RuleVersion",
    "SecurityEvent",
    "ShadowCount",
    "ShadowReport",
    "Sink",
    "SinkRisk",
    "SinkState",
    "TrailCheckpoint",
    "Webhook",
    "WebhookDelivery",
    "WebhookSecret",
    "category_choices",
]
