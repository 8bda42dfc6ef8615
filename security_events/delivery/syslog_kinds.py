"""The kinds of sinks that are receivers of syslog."""

from __future__ import annotations

import os
import socket
import threading
from typing import TYPE_CHECKING, cast
from urllib.parse import urlsplit

from security_events.conf import security_event_settings
from security_events.delivery import configured_sinks, delivery_risks
from security_events.delivery.kinds import CheckpointKind, DeliveryFailed
from security_events.delivery.schedule import SHORT_DELAYS
from security_events.event_form import canonical_bytes
from security_events.exporters.formats import ExportFormat, line_of
from security_events.sinks.syslog_messages import SEVERITIES, SyslogOrigin, event_message, message
from security_events.sinks.syslog_sender import MOST_MESSAGES, SyslogInterrupted, SyslogSender
from security_events.types import Severity

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from security_events.models import Sink
    from security_events.selectors.trail import TrailEvent
    from security_events.sinks.sink_targets import SyslogTarget


class SyslogKind:
    """Sends each event as a message of syslog. What a receiver may have lost is counted."""

    name = configured_sinks.SYSLOG
    batch_size = MOST_MESSAGES
    retry_delays = SHORT_DELAYS

    def __init__(self) -> None:
        self._senders: dict[UUID, SyslogSender] = {}
        self._lock = threading.Lock()

    def deliver(self, sink: Sink, events: Sequence[TrailEvent], *, now: datetime) -> int:
        """Send events in their order; see ``SyslogSender`` for when they count as delivered.

        Raises: DeliveryFailed.
        """
        target = cast("SyslogTarget", configured_sinks.target_of(sink))
        origin = _origin(target)
        with self._lock:
            sender = self._senders.setdefault(sink.pk, _sender(target))
        try:
            delivery = sender.send([self._message(event, target, origin) for event in events])
        except SyslogInterrupted as interrupted:
            delivery_risks.add(sink, interrupted.at_risk, now=now)
            raise DeliveryFailed(interrupted.reason, delivered=interrupted.delivered) from interrupted
        delivery_risks.add(sink, delivery.at_risk, now=now)
        return delivery.delivered

    def deliver_requests(self, sink: Sink, *, now: datetime) -> None:
        """Nothing can be asked for."""

    def _message(self, event: TrailEvent, target: SyslogTarget, origin: SyslogOrigin) -> bytes:
        return event_message(event.form, line_of(event.form, ExportFormat(target.format)), origin=origin)


class CheckpointSyslogKind(CheckpointKind, SyslogKind):
    """Sends each checkpoint as a message of syslog."""

    name = configured_sinks.CHECKPOINT_SYSLOG

    def _message(self, event: TrailEvent, target: SyslogTarget, origin: SyslogOrigin) -> bytes:
        return message(
            canonical_bytes(event.form).decode(),
            severity=SEVERITIES[Severity.INFO],
            timestamp=event.form["created_at"],
            message_id="checkpoint",
            parameters={"size": event.form["size"], "root": event.form["root"]},
            origin=origin,
        )


def _sender(target: SyslogTarget) -> SyslogSender:
    return SyslogSender((target.host, target.port), tls=target.tls, keeps_connection=target.keeps_connection)


def _origin(target: SyslogTarget) -> SyslogOrigin:
    return SyslogOrigin(
        hostname=target.hostname or urlsplit(security_event_settings.SOURCE).hostname or socket.gethostname(),
        app_name=target.app_name,
        process_id=str(os.getpid()),
        facility=target.facility,
        sd_id=target.sd_id,
        max_bytes=target.max_bytes,
        has_bom=target.has_bom,
    )
