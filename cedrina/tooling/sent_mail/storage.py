"""The mails that development sends, each in a file of its own: a worker writes them, the server shows them."""

import contextlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path

from cedrina_base.uuids import uuid7

MOST = 200
MAX_BYTES = 1024 * 1024
SUFFIX = ".eml"
# The names of the files: a UUID of version 7, whose order is that of the mails.
_NAME = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass(frozen=True, slots=True)
class StoredMail:
    """A mail in the folder."""

    name: str
    sent_at: datetime
    message: EmailMessage

    @property
    def text(self) -> str:
        return _content(self.message, "plain")

    @property
    def html(self) -> str:
        return _content(self.message, "html")


def store(content: bytes, *, folder: Path) -> None:
    """Write a mail, readable by the owner alone, and delete the oldest beyond MOST.

    It is written beside and renamed, so that a reader never sees a part of it. Mails over MAX_BYTES are left out.
    """
    if len(content) > MAX_BYTES:
        return
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / f"{uuid7()}{SUFFIX}"
    beside = path.with_suffix(".part")
    beside.touch(mode=0o600, exist_ok=False)
    beside.write_bytes(content)
    beside.rename(path)
    for old in _paths(folder)[MOST:]:
        old.unlink(missing_ok=True)  # another process may have deleted it


def newest_first(folder: Path) -> Sequence[StoredMail]:
    """Return all mails of the folder that can be read."""
    return [mail for path in _paths(folder) if (mail := _read(path)) is not None]


def find(name: str, *, folder: Path) -> StoredMail | None:
    """Return a mail by its name; ``None`` if there is none, or the name is not one that ``store`` makes."""
    return _read(folder / f"{name}{SUFFIX}") if _NAME.fullmatch(name) else None


def _paths(folder: Path) -> list[Path]:
    return sorted(folder.glob(f"*{SUFFIX}"), reverse=True)


def _read(path: Path) -> StoredMail | None:
    with contextlib.suppress(OSError):
        content = path.read_bytes()
        sent_at = datetime.fromtimestamp(path.stat().st_mtime, tz=UTC)
        message = message_from_bytes(content, policy=default)
        if isinstance(message, EmailMessage):
            return StoredMail(name=path.stem, sent_at=sent_at, message=message)
    return None


def _content(message: EmailMessage, kind: str) -> str:
    part = message.get_body((kind,))
    return str(part.get_content()) if part is not None else ""
