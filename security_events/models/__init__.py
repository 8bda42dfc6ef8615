"""The tables of this app."""

from security_events.models.events import SecurityEvent, category_choices
from security_events.models.sinks import Sink, SinkState

__all__ = ["SecurityEvent", "Sink", "SinkState", "category_choices"]
