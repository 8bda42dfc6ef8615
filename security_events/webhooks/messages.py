"""The body of a message: type, timestamp and data, as Standard Webhooks has it."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from security_events.exporters.formats import ExportFormat, line_of

TEST_TYPE = "webhook.test"


def event_body(form: Mapping[str, Any], *, data_format: ExportFormat) -> bytes:
    """Return the message about an event, given its public form. ``data`` is an object, or the line of CEF as text."""
    line = line_of(form, data_format)
    data = _ENCODER.encode(line) if data_format is ExportFormat.CEF else line
    return _body(form["type"], form["occurred_at"], data)


def body_of_test(*, now: datetime) -> bytes:
    """Return a message that shows an operator that a webhook works. No event stands behind it."""
    timestamp = now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    return _body(TEST_TYPE, timestamp, _ENCODER.encode({"message": "This is a test delivery."}))


def _body(message_type: str, timestamp: str, data: str) -> bytes:
    return f'{{"type":"{message_type}","timestamp":"{timestamp}","data":{data}}}'.encode()


_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False)
