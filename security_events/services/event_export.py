"""Write events to a file, in the order of the trail, and go on where an earlier export of the file ended."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import Any

from security_events.errors import ExportFileError
from security_events.exporters.formats import ExportFormat
from security_events.selectors.event_filters import EventFilter
from security_events.selectors.sealing.checkpoints import cosigned_note, newest_checkpoint
from security_events.selectors.trail import START, TrailPosition
from security_events.selectors.trail_pages import cursor_of, position_of
from security_events.services.event_lines import MAX_LINES, EventLines, read_lines
from security_events.services.export_files import ExportFile, ExportState, opened

_POLL_SECONDS = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportRequest:
    """What is exported, and how: ``rotate_at`` in bytes, ``lines_at_once`` until the position is stored.

    With ``has_checkpoint``, the newest checkpoint that covers no further event is written beside the file.
    """

    path: Path
    export_format: ExportFormat
    wanted: EventFilter
    rotate_at: int | None = None
    has_checkpoint: bool = False
    lines_at_once: int = MAX_LINES

    def identity(self) -> dict[str, Any]:
        """Return what has to stay the same for an export to go on with a file."""
        moments = {"since": self.wanted.since, "until": self.wanted.until}
        return {
            "format": str(self.export_format),
            **{name: moment and moment.isoformat() for name, moment in moments.items()},
        }


def export(
    request: ExportRequest,
    *,
    stopped: Event | None = None,
    progress: Callable[[ExportState], None] = lambda _state: None,
) -> ExportState:
    """Append events to the file until there are no more; with ``stopped``, wait for further ones until it is set.

    Raises: ExportFileError; OSError, if the file can't be written.
    """
    with opened(request.path, request=request.identity(), cursor=cursor_of(START)) as file:
        position = _resumed(file, request)
        while stopped is None or not stopped.is_set():
            # In this order: whatever a checkpoint covers that was read before is among the lines.
            sealed = newest_checkpoint() if request.has_checkpoint else None
            lines = _read(position, request, request.lines_at_once)
            if lines.next != position:
                cursor = cursor_of(lines.next)
                file.append(lines.text, cursor=cursor, number=lines.number, rotate_at=request.rotate_at)
                position = lines.next
                progress(file.state)
                continue
            if sealed is not None:
                file.save_checkpoint(cosigned_note(sealed))
            if stopped is None:
                break
            stopped.wait(_POLL_SECONDS)
        return file.state


def _resumed(file: ExportFile, request: ExportRequest) -> TrailPosition:
    """Return where to go on: behind the cursor, and behind the lines that a killed export has written since."""
    position = position_of(file.state.cursor)
    if position is None:
        raise ExportFileError("damaged")
    found = file.unsaved_lines()
    left = found
    while left:
        lines = _read(position, request, min(left, MAX_LINES))
        if lines.next == position:
            raise ExportFileError("damaged")  # the file has lines of events that are not in the trail
        left -= lines.number
        position = lines.next
    if found:
        file.keep_lines(cursor=cursor_of(position), number=found)
    return position


def _read(position: TrailPosition, request: ExportRequest, limit: int) -> EventLines:
    return read_lines(position, wanted=request.wanted, export_format=request.export_format, limit=limit)
