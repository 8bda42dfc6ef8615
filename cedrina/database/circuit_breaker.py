"""A circuit breaker for PostgreSQL: when it stops answering, only one thread keeps waiting for it.

A PostgreSQL that refuses connections fails at once. One that is frozen, or behind a network that drops packets, costs
each caller a whole timeout. The first caller that runs into the timeout opens the circuit of its process: further
attempts to connect fail at once, until a background thread has reached PostgreSQL again. Connections that were opened
before that moment are replaced, because a network may have forgotten them without closing them.

The state is in shared memory. Processes that the importing process forks share it: connections are replaced in all of
them, and ``/readyz`` of one worker reports an open circuit of another one.
"""

import logging
import mmap
import struct
import threading
import time
from collections.abc import Callable

MAX_WORKERS = 4096  # one byte of shared memory each
_TIMES = struct.Struct("dd")
SHARED_BYTES = _TIMES.size + MAX_WORKERS
INITIAL_DELAY_SECONDS = 0.1
MAX_DELAY_SECONDS = 1.0

log = logging.getLogger(__name__)


class DatabaseCircuitBreaker:
    """The state of the connection to PostgreSQL, for this process and for those that share its memory.

    Times are those of ``time.monotonic()``, which all processes of a machine share.
    """

    def __init__(self) -> None:
        self._shared = mmap.mmap(-1, SHARED_BYTES)
        self._lock = threading.Lock()
        self._probe: Callable[[], None] | None = None
        self.set_worker_number(0)

    def share(self, memory: mmap.mmap) -> None:
        """Keep the state in this memory of SHARED_BYTES from now on."""
        self._shared = memory

    def set_worker_number(self, number: int) -> None:
        """Set the number of this process. No other living process that shares the memory may have it."""
        self._own_byte = _TIMES.size + number

    def forget_worker(self, number: int) -> None:
        """Close the circuit of a process that has ended."""
        self._shared[_TIMES.size + number] = 0

    def set_probe(self, probe: Callable[[], None] | None) -> None:
        """Set the function that finds out whether PostgreSQL answers: it returns, or raises.

        Without a probe (``None``) the circuit never opens.
        """
        self._probe = probe

    @property
    def is_open(self) -> bool:
        """Whether PostgreSQL does not answer this process."""
        return self._shared[self._own_byte] != 0

    @property
    def is_open_in_any_worker(self) -> bool:
        """Whether PostgreSQL does not answer this process or one that shares its memory."""
        return self._shared.find(b"\x01", _TIMES.size) != -1

    @property
    def connections_valid_since(self) -> float:
        """The time since when connections are usable. Older ones may be dead without a notice."""
        return self._times()[0]

    def expire_connections(self) -> None:
        """Let each connection that is open now be replaced before its next use."""
        self._store_times(time.monotonic(), self._times()[1])

    def trip(self, *, connected_at: float) -> None:
        """Open the circuit, after a timeout on a connection that was opened, or attempted, at ``connected_at``.

        A connection from before the end of the last outage says nothing about the present one: it died in the last.
        """
        with self._lock:
            _, recovered_at = self._times()
            if self._probe is None or self.is_open or connected_at < recovered_at:
                return
            self.expire_connections()
            self._shared[self._own_byte] = 1
        log.warning("database_silent: no answer in time, nobody waits until there is one again")
        threading.Thread(target=self._wait_for_recovery, name="database-outage", daemon=True).start()

    def _wait_for_recovery(self) -> None:
        delay = INITIAL_DELAY_SECONDS
        while (probe := self._probe) is not None:
            try:
                probe()
                break
            except Exception:  # noqa: BLE001 - whatever it was, the next attempt may succeed
                time.sleep(delay)
                delay = min(2 * delay, MAX_DELAY_SECONDS)
        now = time.monotonic()
        self._store_times(now, now)
        self._shared[self._own_byte] = 0
        log.warning("database_answers: the outage is over")

    def _times(self) -> tuple[float, float]:
        connections_valid_since, recovered_at = _TIMES.unpack_from(self._shared)
        return connections_valid_since, recovered_at

    def _store_times(self, connections_valid_since: float, recovered_at: float) -> None:
        _TIMES.pack_into(self._shared, 0, connections_valid_since, recovered_at)


circuit_breaker = DatabaseCircuitBreaker()
