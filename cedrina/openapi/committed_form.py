"""The text of the committed document: JSON in lines of at most 200 characters where that can be, to be compared.

What fits into a line is in one line, and references are several to a line. There is no other white space: spaces after
commas and colons and an indentation of one space are 60 kB. `/api/docs` shows the document for reading.
"""

import json
from typing import Any

LINE = 200


def render(value: Any) -> str:
    """Return a value as JSON."""
    flat = _flat(value)
    if not isinstance(value, (dict, list)) or not value or len(flat) <= LINE:
        return flat
    if isinstance(value, dict):
        items = [(f"{_flat(key)}:{render(item)}", _is_reference(item)) for key, item in value.items()]
        return f"{{{_lines(items)}}}"
    return f"[{_lines([(render(item), _is_reference(item)) for item in value])}]"


def _lines(items: list[tuple[str, bool]]) -> str:
    """Return members as lines: each in its own, but a reference behind the reference before it if there is room."""
    lines: list[str] = []
    is_open = False
    for text, is_reference in items:
        if is_open and is_reference and len(lines[-1]) + len(text) + 2 <= LINE:
            lines[-1] += f",{text}"
        else:
            lines.append(text)
        is_open = is_reference
    return ",\n".join(lines)


def _is_reference(value: Any) -> bool:
    return isinstance(value, dict) and list(value) == ["$ref"]


def _flat(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
