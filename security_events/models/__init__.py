"""The tables of this app."""

from security_events.models.events import SecurityEvent, category_choices
from security_events.models.sinks import Sink, SinkState
from security_events.models.trail import TRAIL_TABLES, AuditKey, CheckpointCosignature, TrailCheckpoint

__all__ = [
    "TRAIL_TABLES",
    "AuditKey",
    "CheckpointCosignature",
    "SecurityEvent",
    "Sink",
    "SinkState",
    "TrailCheckpoint",
    "category_choices",
]
