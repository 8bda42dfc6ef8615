"""The formats in which events leave Cedrina: one line of text for an event, whatever the format."""

import json
import re
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any

from security_events.event_form import canonical_bytes
from security_events.exporters.cef import cef_line
from security_events.exporters.cloudevents import cloud_event
from security_events.exporters.ecs import ecs_document
from security_events.exporters.ocsf.event import ocsf_event
from security_events.exporters.product import Product, installed_product


class ExportFormat(StrEnum):
    """A format that a SIEM can ask for."""

    CEDRINA = "cedrina"
    OCSF = "ocsf"
    ECS = "ecs"
    CEF = "cef"
    CLOUDEVENTS = "cloudevents"

    @property
    def media_type(self) -> str:
        """The media type of a page of lines: CEF is plain text, each other line is one JSON object."""
        return "text/plain" if self is ExportFormat.CEF else "application/x-ndjson"


_OBJECTS: Mapping[ExportFormat, Callable[[Mapping[str, Any], Product], dict[str, Any]]] = {
    ExportFormat.OCSF: ocsf_event,
    ExportFormat.ECS: ecs_document,
    ExportFormat.CLOUDEVENTS: cloud_event,
}


def line_of(form: Mapping[str, Any], export_format: ExportFormat, product: Product | None = None) -> str:
    """Return an event as one line without its end. A line of ``cedrina`` is the event's leaf in the sealed trail.

    The other formats hold no character that some readers take for the end of a line, or terminals for a command: a
    client could write lines of its own by its ``User-Agent``. RFC 8785 leaves those of them that JSON allows.
    """
    if export_format is ExportFormat.CEDRINA:
        return canonical_bytes(form).decode()
    product = product or installed_product()
    if export_format is ExportFormat.CEF:
        return cef_line(form, product)
    text = _ENCODER.encode(_OBJECTS[export_format](form, product))
    return _CONTROLS.sub(lambda found: f"\\u{ord(found.group()):04x}", text)


# Line and paragraph separators of Unicode, and the control characters that JSON does not escape.
_CONTROLS = re.compile("[\x7f-\x9f\u2028\u2029]")
_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False)
