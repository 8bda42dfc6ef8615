"""The newest checkpoint of each log that a witness has signed, in files.

Files and no database: a witness is of use if it shares nothing with the log, and its whole state is a few hundred bytes
for each log. Each file is replaced as a whole, and is on the disk before anybody is told.
"""

import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_SUFFIX = ".checkpoint"


def origin_hash(origin: str) -> str:
    """Return the name that the protocol gives a log: the SHA-256 of its origin in hexadecimal digits."""
    return hashlib.sha256(origin.encode()).hexdigest()


class CosignedCheckpoints:
    """A folder with one file for each log. Several threads and processes may share it."""

    def __init__(self, folder: Path) -> None:
        """Use a folder, which is made if it is not there.

        Raises: OSError.
        """
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder = folder

    @contextmanager
    def locked(self, origin: str) -> Iterator[None]:
        """Let nobody else replace the checkpoint of a log: to check its size and to change it is one step."""
        with (self._folder / f"{origin_hash(origin)}.lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def newest(self, name: str) -> str | None:
        """Return the signed note of a log, given the hash of its origin; ``None`` if none was ever signed.

        Raises: OSError.
        """
        try:
            return (self._folder / f"{name}{_SUFFIX}").read_text(encoding="utf-8")
        except FileNotFoundError:
            return None

    def replace(self, origin: str, note: str) -> None:
        """Store the signed note of a log. The caller holds its lock.

        Raises: OSError.
        """
        path = self._folder / f"{origin_hash(origin)}{_SUFFIX}"
        new = path.with_suffix(".new")
        with new.open("w", encoding="utf-8") as file:
            file.write(note)
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)
        descriptor = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
