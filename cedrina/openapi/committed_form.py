"""The text of the committed document: JSON in lines of at most 200 characters where that can be, to be compared.

What fits into a line is in one line, and so are several such members. There is no other white space: spaces after
commas and colons and an indentation of one space are 60 kB, a line for each member 2 kB. `/api/docs` shows the document
for reading.
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
        return f"{{{_lines([f'{_flat(key)}:{render(item)}' for key, item in value.items()])}}}"
    return f"[{_lines([render(item) for item in value])}]"


def _lines(members: list[str]) -> str:
    """Return members as lines: one that fits into a line stands behind another such one if there is room."""
    lines: list[str] = []
    for member in members:
        if lines and "\n" not in lines[-1] + member and len(lines[-1]) + len(member) + 2 <= LINE:
            lines[-1] += f",{member}"
        else:
            lines.append(member)
    return ",\n".join(lines)


def _flat(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
