"""What a server does while its database does not answer at all.

A PostgreSQL that refuses connections says so at once. One that is frozen, or behind a network that drops packets, costs
every caller a whole timeout. So the first one who waited in vain begins an outage: until a thread of its own has
reached PostgreSQL again nobody else waits, and connections that are older than that are replaced instead of used.

The memory is shared by the processes that the one which imported this has forked: what one worker found out about the
network holds for the connections of the others too.
"""

import logging
import mmap
import struct
import threading
import time
from collections.abc import Callable

CELLS = 4096  # one for each worker process, more than there can be
_MOMENTS = struct.Struct("dd")
FIRST_PAUSE_SECONDS = 0.1
LONGEST_PAUSE_SECONDS = 1.0

log = logging.getLogger(__name__)


class Outage:
    """Whether PostgreSQL is silent, for this process and for its siblings."""

    def __init__(self) -> None:
        self._shared = mmap.mmap(-1, _MOMENTS.size + CELLS)
        self._lock = threading.Lock()
        self._reach: Callable[[], None] | None = None
        self.use_cell(0)

    def use_cell(self, number: int) -> None:
        """Set which cell is this process' own; each worker has another."""
        self._cell = _MOMENTS.size + number

    def clear_cell(self, number: int) -> None:
        """Forget what a process said that has ended."""
        self._shared[_MOMENTS.size + number] = 0

    def watch(self, reach: Callable[[], None] | None) -> None:
        """Set how to find out that PostgreSQL answers: ``reach`` returns, or raises. ``None`` notes no outages."""
        self._reach = reach

    @property
    def is_on(self) -> bool:
        """Whether this process waits for PostgreSQL to answer again."""
        return self._shared[self._cell] != 0

    @property
    def is_on_anywhere(self) -> bool:
        """Whether this process or one of its siblings does."""
        return self._shared.find(b"\x01", _MOMENTS.size) != -1

    @property
    def stale_before(self) -> float:
        """Since when connections are good (``time.monotonic()``, the same in all processes); older ones may be dead."""
        return self._moments()[0]

    def replace_connections(self) -> None:
        """Let no connection be used any more that is open now."""
        self._note(time.monotonic(), self._moments()[1])

    def begin(self, *, since: float) -> None:
        """Note that somebody waited in vain on a connection that was opened, or attempted, at ``since``.

        From before the end of the last outage that is no news: it fell into that one.
        """
        with self._lock:
            _, ended_at = self._moments()
            if self._reach is None or self.is_on or since < ended_at:
                return
            self.replace_connections()
            self._shared[self._cell] = 1
        log.warning("database_silent: no answer in time, nobody waits until there is one again")
        threading.Thread(target=self._wait_for_an_answer, name="database-outage", daemon=True).start()

    def _wait_for_an_answer(self) -> None:
        pause = FIRST_PAUSE_SECONDS
        while (reach := self._reach) is not None:
            try:
                reach()
                break
            except Exception:  # noqa: BLE001 - whatever it was, the next attempt may succeed
                time.sleep(pause)
                pause = min(2 * pause, LONGEST_PAUSE_SECONDS)
        now = time.monotonic()
        self._note(now, now)
        self._shared[self._cell] = 0
        log.warning("database_answers: the outage is over")

    def _moments(self) -> tuple[float, float]:
        stale_before, ended_at = _MOMENTS.unpack_from(self._shared)
        return stale_before, ended_at

    def _note(self, stale_before: float, ended_at: float) -> None:
        _MOMENTS.pack_into(self._shared, 0, stale_before, ended_at)


outage = Outage()
