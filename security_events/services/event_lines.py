"""Read events as lines of a format, in the order of the trail: for the pull of a SIEM and for files."""

from typing import NamedTuple

from security_events.exporters.formats import ExportFormat, line_of
from security_events.exporters.product import installed_product
from security_events.selectors.event_filters import EventFilter
from security_events.selectors.trail import TrailPosition
from security_events.selectors.trail_pages import events_behind

MAX_LINES = 1_000
MAX_BYTES = 4 * 1024 * 1024
_BATCH = 100  # the events that are in memory at once, besides their lines


class EventLines(NamedTuple):
    """Lines with their ends, in UTF-8, their number, and the position to go on behind."""

    text: bytes
    number: int
    next: TrailPosition


def read_lines(
    position: TrailPosition, *, wanted: EventFilter, export_format: ExportFormat, limit: int = MAX_LINES
) -> EventLines:
    """Return the next lines behind a position: ``limit`` at most, and 4 MiB or the one line that is longer.

    The reader is up to date when there is no line and the position has not moved.
    """
    product = installed_product()
    text = bytearray()
    count = 0
    while count < limit:
        size = min(_BATCH, limit - count)
        page = events_behind(position, wanted, limit=size)
        for event in page.events:
            line = line_of(event.form, export_format, product).encode() + b"\n"
            if count and len(text) + len(line) > MAX_BYTES:
                return EventLines(bytes(text), count, position)
            text += line
            count += 1
            position = event.position
        position = page.next
        if len(page.events) < size:
            break
    return EventLines(bytes(text), count, position)
