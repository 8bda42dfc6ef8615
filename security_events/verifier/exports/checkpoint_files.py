"""Files of checkpoints: signed notes one after the other, or lines of JSON as a log or a sink writes them."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from security_events.verifier.errors import NoteMalformed

_LARGEST_FILE = 2**28  # bytes; about a million checkpoints
_MEMBERS = ("note", "checkpoint")


class KeptNote(NamedTuple):
    """A signed note that somebody kept."""

    note: str
    modified_at: float
    """When its file was written, in seconds since 1970: the checkpoint is at least that old."""


def read_notes(path: Path) -> list[KeptNote]:
    """Return the notes of a file. Lines of JSON that hold none, such as others of a log, are skipped.

    Raises: NoteMalformed, if there is none at all; OSError.
    """
    stat = path.stat()
    if stat.st_size > _LARGEST_FILE:
        raise NoteMalformed(f"{path.name} is too large for a file of checkpoints.")
    try:
        text = path.read_bytes().decode()
    except UnicodeError:
        raise NoteMalformed(f"{path.name} is no text in UTF-8.") from None
    notes = list(_of_json(text) if text.lstrip().startswith("{") else _of_text(text))
    if not notes:
        raise NoteMalformed(f"{path.name} has no checkpoint: a text, a blank line, and a line that begins with —.")
    return [KeptNote(note, stat.st_mtime) for note in notes]


def _of_text(text: str) -> Iterator[str]:
    lines: list[str] = []
    for line in text.splitlines(keepends=True):
        is_behind_signature = bool(lines) and lines[-1].startswith("— ") and not line.startswith("— ")
        if is_behind_signature:
            yield "".join(lines)
            lines = []
        if lines or line.strip():
            lines.append(line)
    if lines:
        yield "".join(lines)


def _of_json(text: str) -> Iterator[str]:
    for line in text.splitlines():
        try:
            members = json.loads(line)
        except ValueError:
            continue
        if isinstance(members, dict):
            yield from _notes_in(members)


def _notes_in(members: Mapping[str, Any]) -> Iterator[str]:
    """Yield the notes of a line: of a log, of the API's list, or of what a sink posts, which has them in ``data``."""
    for each in (members, members.get("data")):
        if isinstance(each, dict):
            yield from (each[name] for name in _MEMBERS if isinstance(each.get(name), str))
