"""Count the messages that a receiver may have lost, because its protocol does not say that it has stored them."""

import logging
from datetime import datetime

from cedrina_base.prepared_statements import prepared_cursor
from security_events.models import Sink

_ADD = """
INSERT INTO security_events_sinkrisk AS risk (sink_id, messages, last_at) VALUES (%(sink)s, %(messages)s, %(now)s)
ON CONFLICT (sink_id) DO UPDATE SET messages = risk.messages + EXCLUDED.messages, last_at = EXCLUDED.last_at
"""

log = logging.getLogger(__name__)


def add(sink: Sink, messages: int, *, now: datetime) -> None:
    """Add to the count of a sink, and say so in the log."""
    if not messages:
        return
    log.warning("sink_messages_at_risk: %s %s: %d", sink.kind, sink.name, messages)
    with prepared_cursor() as cursor:
        cursor.execute(_ADD, {"sink": sink.pk, "messages": messages, "now": now})
