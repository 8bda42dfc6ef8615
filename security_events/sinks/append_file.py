"""Append records to a file so that a process that is killed, or a machine that stops, loses none and repeats none.

A caller hands over a batch, and the same batch again until it knows that the batch is stored. So what an interrupted
call has written is the beginning of the batch, or all of it, at the end of the file. It is found there and not written
again; a record that was cut is completed.

The file is opened for each batch by its path: after a rotation by renaming (logrotate's default) the next batch starts
a new file. The end of the newest rotated file is searched, too. A batch is synced to the disk (fsync) before the call
returns, and a new file's directory with it.
"""

import contextlib
import fcntl
import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

# How much of the end of a file is searched: more than one batch.
SEARCHED_BYTES = 8 * 1024 * 1024
_FLAGS = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
_PROBE = 16


@dataclass(frozen=True, slots=True)
class FileEnd:
    """Which file was written last, and its size then. If it is so still, nothing was interrupted."""

    device: int
    inode: int
    size: int


@dataclass(frozen=True, slots=True)
class WrittenRecords:
    """How much of a batch a file holds: whole records, and bytes of the one behind them."""

    records: int = 0
    cut_bytes: int = 0


_NOTHING = WrittenRecords()


class FileUnusable(Exception):
    """The path can't be written to. The message says why and what to do."""


def append(path: str, records: Sequence[bytes], *, last_end: FileEnd | None = None) -> FileEnd:
    """Append the records that the file does not hold yet. Each ends in a newline.

    ``last_end`` is what the last call of this process returned; with it the end of the file is not searched. A new file
    is readable by its owner alone; the mode of a file that is there is left.

    Raises: FileUnusable.
    """
    try:
        with _opened(path) as descriptor:
            before = _end_of(descriptor)
            written = _NOTHING if before == last_end else _already_written(path, descriptor, before, records)
            data = b"".join(records[written.records :])[written.cut_bytes :]
            if not written.cut_bytes and _ends_within_line(descriptor, before.size):
                data = b"\n" + data
            _write_whole(descriptor, data, size=before.size)
            return _end_of(descriptor)
    except OSError as error:
        raise FileUnusable(f"The file can't be written: {error.strerror}. Check folder, owner and space.") from error


@contextlib.contextmanager
def _opened(path: str) -> Iterator[int]:
    is_new = not os.path.lexists(path)
    descriptor = os.open(path, _FLAGS, 0o600)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise FileUnusable("The path is no regular file. Name another one.")
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise FileUnusable("Another process writes the file. Give each installation a file of its own.") from None
        if is_new:
            _sync_folder(path)
        yield descriptor
    finally:
        os.close(descriptor)


def _write_whole(descriptor: int, data: bytes, *, size: int) -> None:
    """Write and sync. If that fails, such as on a full disk, the file is as before."""
    view = memoryview(data)
    try:
        while view:
            view = view[os.write(descriptor, view) :]
        os.fsync(descriptor)
    except OSError:
        with contextlib.suppress(OSError):
            os.ftruncate(descriptor, size)
        raise


def _already_written(path: str, descriptor: int, end: FileEnd, records: Sequence[bytes]) -> WrittenRecords:
    """Return what stands at the end of the file, or of the one that it was before a rotation."""
    searched = max(SEARCHED_BYTES, 2 * sum(map(len, records)))
    if end.size:
        return written_at_end(os.pread(descriptor, searched, max(0, end.size - searched)), records)
    rotated = _newest_rotated(path)
    if rotated is None:
        return _NOTHING
    with rotated.open("rb") as file:
        file.seek(max(0, rotated.stat().st_size - searched))
        found = written_at_end(file.read(searched), records)
    # A record that was cut stays in the rotated file as it is, and is written whole to the new one.
    return WrittenRecords(found.records)


def written_at_end(tail: bytes, records: Sequence[bytes]) -> WrittenRecords:
    """Return how much of a batch stands in the end of a file. Later records may follow when the batch is complete."""
    at = tail.rfind(records[0]) if records else -1
    if at < 0:
        return WrittenRecords(0, _cut_bytes(tail, records[0]) if records else 0)
    for number, record in enumerate(records):
        if not tail.startswith(record, at):
            return WrittenRecords(number, _cut_bytes(tail[at:], record))
        at += len(record)
    return WrittenRecords(len(records))


def _cut_bytes(tail: bytes, record: bytes) -> int:
    """Return how many bytes of the beginning of a record a text ends with."""
    end, probe = tail[-len(record) :], record[:_PROBE]
    at = end.find(probe)
    while at >= 0:
        if record.startswith(end[at:]):
            return len(end) - at
        at = end.find(probe, at + 1)
    return next((length for length in range(len(probe) - 1, 0, -1) if tail.endswith(record[:length])), 0)


def _ends_within_line(descriptor: int, size: int) -> bool:
    """Return whether the last line is cut. Such a line that is not one of the batch is left, and ended."""
    return size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"


def _newest_rotated(path: str) -> Path | None:
    """Return the newest plain file beside this one whose name begins with its name, such as ``events.ndjson.1``."""
    here = Path(path)
    rotated = [
        each
        for each in here.parent.iterdir()
        if each.name.startswith((f"{here.name}.", f"{here.name}-"))
        and each.suffix not in (".gz", ".xz", ".bz2", ".zst")
        and each.is_file()
    ]
    return max(rotated, key=lambda each: each.stat().st_mtime_ns, default=None)


def _end_of(descriptor: int) -> FileEnd:
    status = os.fstat(descriptor)
    return FileEnd(status.st_dev, status.st_ino, status.st_size)


def _sync_folder(path: str) -> None:
    folder = os.open(str(Path(path).parent), os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
