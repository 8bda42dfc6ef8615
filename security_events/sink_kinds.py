"""The kinds of sinks of this app."""

from security_events.delivery.checkpoint_webhook_kind import CheckpointWebhookKind
from security_events.delivery.file_kinds import CheckpointFileKind, FileKind
from security_events.delivery.kinds import register
from security_events.delivery.syslog_kinds import CheckpointSyslogKind, SyslogKind
from security_events.delivery.webhook_kind import WebhookKind

register(WebhookKind())
register(SyslogKind())
register(FileKind())
register(CheckpointSyslogKind())
register(CheckpointFileKind())
register(CheckpointWebhookKind())
