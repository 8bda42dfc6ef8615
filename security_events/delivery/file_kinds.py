"""The kinds of sinks that are files."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from security_events.delivery import configured_sinks
from security_events.delivery.kinds import CheckpointKind, DeliveryFailed
from security_events.delivery.schedule import SHORT_DELAYS
from security_events.exporters.formats import ExportFormat, line_of
from security_events.sinks import append_file
from security_events.sinks.append_file import FileUnusable

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from security_events.models import Sink
    from security_events.selectors.trail import TrailEvent
    from security_events.sinks.append_file import FileEnd
    from security_events.sinks.sink_targets import FileTarget


class FileKind:
    """Appends each event as a line to a file."""

    name = configured_sinks.FILE
    batch_size = 500
    retry_delays = SHORT_DELAYS

    def __init__(self) -> None:
        self._ends: dict[UUID, FileEnd] = {}

    def deliver(self, sink: Sink, events: Sequence[TrailEvent], *, now: datetime) -> int:
        """Append the events that the file does not hold yet, and sync it.

        Raises: DeliveryFailed.
        """
        target = cast("FileTarget", configured_sinks.target_of(sink))
        records = [self._record(event, target) for event in events]
        try:
            self._ends[sink.pk] = append_file.append(target.path, records, last_end=self._ends.get(sink.pk))
        except FileUnusable as unusable:
            raise DeliveryFailed(str(unusable)) from unusable
        return len(events)

    def deliver_requests(self, sink: Sink, *, now: datetime) -> None:
        """Nothing can be asked for."""

    def _record(self, event: TrailEvent, target: FileTarget) -> bytes:
        return f"{line_of(event.form, ExportFormat(target.format))}\n".encode()


class CheckpointFileKind(CheckpointKind, FileKind):
    """Appends the signed note of each checkpoint to a file, and an empty line."""

    name = configured_sinks.CHECKPOINT_FILE

    def _record(self, event: TrailEvent, target: FileTarget) -> bytes:
        return f"{event.form['note']}\n".encode()
