"""Tell people and the trail that a sink stopped taking events, or takes them again.

Only these changes make events, never a single delivery: otherwise a sink that fails would cause an event that is
delivered to it, fails, and so on.
"""

import logging
from datetime import datetime

from security_events import event_types
from security_events.conf import security_event_settings
from security_events.models import Sink, SinkState
from security_events.services import recording
from security_events.types import Outcome, SinkNotice, Subject

log = logging.getLogger(__name__)


def tell_stopped(sink: Sink, *, now: datetime) -> None:
    """Record that a sink was parked or is gone, and tell its owner by ``SECURITY_EVENTS["SINK_NOTICE"]``."""
    event_type = event_types.SINK_DISABLED if sink.state == SinkState.GONE else event_types.SINK_PARKED
    data = {"kind": sink.kind, "reason": sink.last_error}
    recording.record(event_type, target=Subject(str(sink.pk), sink.name), outcome=Outcome.FAILURE, data=data, now=now)
    log.error("sink_stopped: %s %s is %s: %s", sink.kind, sink.pk, sink.state, sink.last_error)
    security_event_settings.SINK_NOTICE(SinkNotice(sink.pk, sink.kind, sink.name, sink.state, sink.last_error))


def tell_resumed(sink: Sink, *, now: datetime) -> None:
    """Record that a parked sink takes events again."""
    recording.record(
        event_types.SINK_RESUMED, target=Subject(str(sink.pk), sink.name), data={"kind": sink.kind}, now=now
    )
    log.info("sink_resumed: %s %s", sink.kind, sink.pk)
    security_event_settings.SINK_NOTICE(SinkNotice(sink.pk, sink.kind, sink.name, SinkState.ACTIVE, ""))
