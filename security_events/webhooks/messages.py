"""The body of a message: type, timestamp and data, as Standard Webhooks has it."""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

TEST_TYPE = "webhook.test"

# What ``data`` holds, by the format of the webhook.
FORMATS: Mapping[str, Callable[[Mapping[str, Any]], Any]] = {"cedrina": dict}
DEFAULT_FORMAT = "cedrina"


def event_body(form: Mapping[str, Any], *, data_format: str) -> bytes:
    """Return the message about an event, given its public form."""
    return _body(form["type"], form["occurred_at"], FORMATS[data_format](form))


def body_of_test(*, now: datetime) -> bytes:
    """Return a message that shows an operator that a webhook works. No event stands behind it."""
    timestamp = now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    return _body(TEST_TYPE, timestamp, {"message": "This is a test delivery."})


def _body(message_type: str, timestamp: str, data: Any) -> bytes:
    return _ENCODER.encode({"type": message_type, "timestamp": timestamp, "data": data}).encode()


_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False)
