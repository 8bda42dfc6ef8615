"""What the server holds while it is under load: memory, connections and open files, once in some seconds."""

import contextlib
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg


@dataclass(frozen=True, slots=True)
class Sample:
    """One look: seconds since the start, memory in MiB (PSS), open files, connections to the database."""

    at: float
    memory: float
    files: int
    connections: int


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
                        files=sum(map(_files, pids)),
                        connections=count[0] if count else 0,
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


def growth(values: list[float]) -> float:
    """Return by which share the last third is above the second one: the first third is warming up."""
    third = len(values) // 3
    if not third:
        return 0.0
    middle, last = values[third : 2 * third], values[2 * third :]
    before = sum(middle) / len(middle)
    return (sum(last) / len(last) - before) / before if before else 0.0


def _memory(pid: int) -> float:
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    return 0.0


def _files(pid: int) -> int:
    with contextlib.suppress(OSError):
        return len(list(Path(f"/proc/{pid}/fd").iterdir()))
    return 0
