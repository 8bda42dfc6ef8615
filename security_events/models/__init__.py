"""The tables of this app."""

from security_events.models.events import SecurityEvent, category_choices
from security_events.models.trail import AuditKey, CheckpointCosignature, TrailCheckpoint

__all__ = ["AuditKey", "CheckpointCosignature", "SecurityEvent", "TrailCheckpoint", "category_choices"]
