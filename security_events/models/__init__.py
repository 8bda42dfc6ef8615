"""The tables of this app."""

from security_events.models.events import SecurityEvent, category_choices

__all__ = ["SecurityEvent", "category_choices"]
