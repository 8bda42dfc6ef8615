"""The data of an event as text that people read."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

_MOST_LINES = 100


def data_lines(data: Mapping[str, Any]) -> Sequence[tuple[str, str]]:
    """Return each value with the path of its keys, such as ``("before.limit", "10")``; 100 at most."""
    lines = list(_lines(data, "")) if data else []
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
