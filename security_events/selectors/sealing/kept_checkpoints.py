"""The newest checkpoints in the files that ``SINKS`` names: copies that the owner of the database can't take back."""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

from django.conf import settings

_TAIL = 65_536  # bytes; a note has a few hundred
_NOTES = 3  # of each file: a line that is half written can stand behind the newest one
# C2SP signed-note and tlog-checkpoint: origin, size, root, perhaps more lines, an empty line, signatures.
# Only from the beginning of a line: from anywhere, a long line without one took the square of its length.
_NOTE = re.compile(r"^[^\n]+\n[0-9]+\n[A-Za-z0-9+/]{43}=\n(?:[^\n]+\n)*\n(?:— [^\n]+\n)+", re.MULTILINE)


def in_files() -> Iterable[str]:
    """Return the notes at the end of each file. A file that is not there, or can't be read, holds none."""
    return [note for path in _paths() for note in _NOTE.findall(_tail(path))[-_NOTES:]]


def _paths() -> Iterator[Path]:
    for url in getattr(settings, "SECURITY_EVENTS", {}).get("SINKS", ()):
        if url.startswith("/"):
            yield Path(url)
        elif url.startswith("file:///"):
            yield Path(unquote(urlsplit(url).path))


def _tail(path: Path) -> str:
    try:
        if not path.is_file():
            return ""
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - _TAIL))
            return file.read().decode(errors="replace")
    except OSError:
        return ""
