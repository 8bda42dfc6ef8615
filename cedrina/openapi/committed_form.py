"""The text of the committed document: JSON in lines of at most 120 characters where that can be, to be compared.

What fits into a line is in one line, and references are several to a line. The indentation is one space: with two, and
a line for each reference, the document has 58 kB more.
"""

import json
from typing import Any

LINE = 120


def render(value: Any, indent: str = "") -> str:
    """Return a value as JSON."""
    flat = _flat(value)
    if not isinstance(value, (dict, list)) or not value or len(indent) + len(flat) < LINE:
        return flat
    inner = f"{indent} "
    if isinstance(value, dict):
        items = [(f"{_flat(key)}: {render(item, inner)}", _is_reference(item)) for key, item in value.items()]
        return f"{{\n{_lines(items, inner)}\n{indent}}}"
    return f"[\n{_lines([(render(item, inner), _is_reference(item)) for item in value], inner)}\n{indent}]"


def _lines(items: list[tuple[str, bool]], indent: str) -> str:
    """Return members as lines: each in its own, but a reference behind the reference before it if there is room."""
    lines: list[str] = []
    is_open = False
    for text, is_reference in items:
        if is_open and is_reference and len(indent) + len(lines[-1]) + len(text) + 3 <= LINE:
            lines[-1] += f", {text}"
        else:
            lines.append(text)
        is_open = is_reference
    return ",\n".join(f"{indent}{line}" for line in lines)


def _is_reference(value: Any) -> bool:
    return isinstance(value, dict) and list(value) == ["$ref"]


def _flat(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
