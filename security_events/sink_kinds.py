"""The kinds of sinks of this app."""

from security_events.delivery.kinds import register
from security_events.delivery.webhook_kind import WebhookKind

register(WebhookKind())
