"""The text of the committed document: JSON with two spaces, and what fits into a line in one line, to be compared."""

import json
from typing import Any

LINE = 120


def render(value: Any, indent: str = "") -> str:
    """Return a value as JSON. An object or a list is on one line if that is at most 120 characters long."""
    flat = json.dumps(value, ensure_ascii=False)
    if not isinstance(value, (dict, list)) or not value or len(indent) + len(flat) < LINE:
        return flat
    inner = f"{indent}  "
    if isinstance(value, dict):
        lines = [f"{inner}{json.dumps(key, ensure_ascii=False)}: {render(item, inner)}" for key, item in value.items()]
        return "{\n" + ",\n".join(lines) + f"\n{indent}}}"
    return "[\n" + ",\n".join(f"{inner}{render(item, inner)}" for item in value) + f"\n{indent}]"
