"""The file that an export writes, so that a kill at any moment neither repeats an event nor loses one.

Beside ``FILE`` stands ``FILE.cursor``: the position behind the last event whose line is surely on the disk, and how
long the file was then. Lines are written first and the cursor after them. When a killed export starts again, the
complete lines beyond that length are counted: they are the next events behind the cursor, in their order. They stay,
since the agent of a SIEM may have read them already; only a line without an end is cut off.
"""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from security_events.errors import ExportFileError

_MODE = 0o640  # the group of the file may be that of a SIEM's agent
_CHUNK = 1024 * 1024


@dataclass(frozen=True, slots=True)
class ExportState:
    """What ``FILE.cursor`` holds. ``request`` is what was asked for; ``events`` counts those of all files."""

    request: dict[str, Any]
    cursor: str
    size: int = 0
    rotated: int = 0
    events: int = 0


class ExportFile:
    """An output file with its cursor. Get one by ``opened``."""

    def __init__(self, path: Path, state: ExportState) -> None:
        self.path = path
        self.state = state

    def append(self, text: bytes, *, cursor: str, number: int, rotate_at: int | None = None) -> None:
        """Write lines to the disk, then the position behind them.

        The file is rotated before it would grow beyond ``rotate_at`` bytes. Files are numbered as they are rotated, and
        keep their names: ``FILE.000001`` is the oldest.
        """
        if text:
            if rotate_at is not None and self.state.size and self.state.size + len(text) > rotate_at:
                self._rotate()
            is_new = not self.path.exists()
            with os.fdopen(os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, _MODE), "ab") as output:
                output.write(text)
                output.flush()
                os.fsync(output.fileno())
            if is_new:
                _sync_folder(self.path.parent)
        self.save(
            replace(self.state, cursor=cursor, size=self.state.size + len(text), events=self.state.events + number)
        )

    def unsaved_lines(self) -> int:
        """Return how many complete lines a killed export has written behind its cursor; cut off one without an end."""
        if not self.path.exists():
            return 0
        lines, end = 0, self.state.size
        with self.path.open("r+b") as output:
            output.seek(self.state.size)
            position = self.state.size
            while chunk := output.read(_CHUNK):
                lines += chunk.count(b"\n")
                if b"\n" in chunk:
                    end = position + chunk.rindex(b"\n") + 1
                position += len(chunk)
            output.truncate(end)
        return lines

    def keep_lines(self, *, cursor: str, number: int) -> None:
        """Store the position behind lines that were found in the file."""
        size = self.path.stat().st_size
        self.save(replace(self.state, cursor=cursor, size=size, events=self.state.events + number))

    def finish_rotation(self) -> None:
        """Take note of a rotation that a kill interrupted, or of a file that was moved away.

        Raises: ExportFileError, if the file is shorter than it was.
        """
        if self.path.exists():
            if self.path.stat().st_size < self.state.size:
                raise ExportFileError("shorter")
        elif self.state.size:
            was_rotated = self._rotated_path(self.state.rotated + 1).exists()
            self.save(replace(self.state, size=0, rotated=self.state.rotated + was_rotated))

    def _rotate(self) -> None:
        self.path.rename(self._rotated_path(self.state.rotated + 1))
        _sync_folder(self.path.parent)
        self.save(replace(self.state, size=0, rotated=self.state.rotated + 1))

    def _rotated_path(self, number: int) -> Path:
        return self.path.with_name(f"{self.path.name}.{number:06}")

    def save(self, state: ExportState) -> None:
        """Store a state, whole or not at all."""
        _write_whole(cursor_path(self.path), json.dumps(asdict(state)))
        self.state = state

    def save_checkpoint(self, note: str) -> None:
        """Store a signed note of the sealed trail as ``FILE.checkpoint``, whole or not at all."""
        _write_whole(self.path.with_name(self.path.name + ".checkpoint"), note)


def cursor_path(path: Path) -> Path:
    """Return where the cursor of an output file stands."""
    return path.with_name(path.name + ".cursor")


@contextmanager
def opened(path: Path, *, request: dict[str, Any], cursor: str) -> Iterator[ExportFile]:
    """Open an output file for one export at a time; a new one begins at ``cursor``.

    Raises: ExportFileError, if another export holds it, or it is not the file of such an export; OSError.
    """
    lock = path.with_name(path.name + ".lock")
    with os.fdopen(os.open(lock, os.O_WRONLY | os.O_CREAT, _MODE), "w", encoding="utf-8") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ExportFileError("in_use") from error
        state = _state_of(path, request) or ExportState(request=request, cursor=cursor)
        file = ExportFile(path, state)
        file.save(state)  # before the first line: a file with lines and without a cursor is none of ours
        file.finish_rotation()
        yield file


def _state_of(path: Path, request: dict[str, Any]) -> ExportState | None:
    stored = cursor_path(path)
    if not stored.exists():
        if path.exists() and path.stat().st_size:
            raise ExportFileError("foreign")
        return None
    try:
        state = ExportState(**json.loads(stored.read_text(encoding="utf-8")))
    except (ValueError, TypeError) as error:
        raise ExportFileError("damaged") from error
    if state.request != request:
        raise ExportFileError("other_request")
    return state


def _write_whole(path: Path, text: str) -> None:
    new = path.with_name(path.name + ".new")
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_TRUNC | os.O_CREAT, _MODE), "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    """Let a rename survive a loss of power."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
