"""An event as text that people read: its data, its public form, and its proof in the sealed trail."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from uuid import UUID

from security_events.errors import SecurityEventRefusal
from security_events.selectors.event_pages import event_by_id
from security_events.services.trail.proving import prove_inclusion
from security_events.verifier import proof_file

_MOST_LINES = 100


def public_form(event_id: UUID) -> str:
    """Return the object that the API, exports and the sealed trail have of an event, indented."""
    return json.dumps(event_by_id(event_id), ensure_ascii=False, indent=2)


def proof_text(event_id: UUID) -> str:
    """Return the file of C2SP ``tlog-proof`` of an event; a sentence, if there is none or none yet."""
    try:
        return proof_file(prove_inclusion(event_id))
    except SecurityEventRefusal as refusal:
        return str(refusal.message)


def data_lines(data: Mapping[str, Any]) -> Sequence[tuple[str, str]]:
    """Return each value with the path of its keys, such as ``("before.limit", "10")``; 100 at most.

    The risk of a sign-in has a table of its own (``event_risk``), and its numbers stand in the public form.
    """
    shown = {name: value for name, value in data.items() if name != "risk"}
    lines = list(_lines(shown, "")) if shown else []
    left = len(lines) - _MOST_LINES
    return [*lines[:_MOST_LINES], *([("…", f"+{left}")] if left > 0 else [])]


def _lines(value: Any, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping) and value:
        for key, inner in value.items():
            yield from _lines(inner, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list) and any(isinstance(inner, (Mapping, list)) for inner in value):
        for number, inner in enumerate(value, start=1):
            yield from _lines(inner, f"{path}[{number}]")
    else:
        yield path, _text(value)


def _text(value: Any) -> str:
    if value is None or value in ([], {}, ""):
        return "-"
    if isinstance(value, bool):
        return str(value).lower()
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
