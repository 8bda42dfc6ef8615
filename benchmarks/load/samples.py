"""What the server holds and computes while it is under load, looked at once in some seconds."""

import contextlib
import os
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg


@dataclass(frozen=True, slots=True)
class Sample:
    """One look: seconds since the start, memory in MiB (PSS), what is open, and the CPU time used until then.

    ``sockets`` are among ``files``; ``connections`` are those to the database, of anybody.
    """

    at: float
    memory: float
    files: int
    sockets: int
    connections: int
    cpu_seconds: float


@contextlib.contextmanager
def sampling(pid: int, *, database_url: str, every: float) -> Iterator[list[Sample]]:
    """Look at a process and its children until the block ends; the list grows meanwhile."""
    found: list[Sample] = []
    ended = threading.Event()
    began = time.monotonic()

    def look() -> None:
        with psycopg.connect(database_url, autocommit=True) as connection:
            while not ended.wait(every):
                count = connection.execute(
                    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                ).fetchone()
                pids = tree(pid)
                found.append(
                    Sample(
                        at=time.monotonic() - began,
                        memory=sum(map(_memory, pids)) / 2**20,
                        files=len(open_files := [path for each in pids for path in _files(each)]),
                        sockets=sum(path.startswith("socket:") for path in open_files),
                        connections=count[0] if count else 0,
                        cpu_seconds=sum(map(_cpu_seconds, pids)),
                    )
                )

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    try:
        yield found
    finally:
        ended.set()
        thread.join()


def tree(pid: int) -> list[int]:
    """Return a process and all its descendants."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError, ValueError, IndexError):
            fields = entry.read_text().rpartition(")")[2].split()
            children.setdefault(int(fields[1]), []).append(int(entry.parent.name))
    found, waiting = [], [pid]
    while waiting:
        found.append(waiting.pop())
        waiting += children.get(found[-1], [])
    return found


def _memory(pid: int) -> float:
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    return 0.0


def _files(pid: int) -> list[str]:
    found = []
    with contextlib.suppress(OSError):
        for path in Path(f"/proc/{pid}/fd").iterdir():
            with contextlib.suppress(OSError):  # it was closed meanwhile
                found.append(str(path.readlink()))
    return found


def _cpu_seconds(pid: int) -> float:
    """Return the CPU time of a process and of its children that have ended (proc(5))."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")
    return 0.0
