"""Find the sinks that have something to deliver, and deliver to each on a thread of its own.

It looks twice a second, by one statement. A notification of each commit (``NOTIFY``) would be faster, but PostgreSQL
commits transactions that notify one after the other, and writers must not pay for readers. A sink that is slow or down
holds one thread, for the length of one turn.
"""

import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from uuid import UUID

from django.db import DatabaseError, connection
from django.utils import timezone

from security_events.delivery import kinds, sender, sink_rows

POLL_SECONDS = 0.5
MAX_THREADS = 32
_LONGEST_OUTAGE_WAIT = 5.0

log = logging.getLogger(__name__)


class Dispatcher:
    """Delivers until it is stopped. Any number of processes may run one at the same time."""

    def __init__(self, *, clock: Callable[[], datetime] = timezone.now) -> None:
        self._clock = clock
        self._busy: set[UUID] = set()
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._stopping = threading.Event()

    def stop(self) -> None:
        """Let ``run`` return once the batches that are under way have ended."""
        self._stopping.set()
        self._wake.set()

    def run(self) -> None:
        """Deliver until ``stop`` is called from another thread. Outages of the database are waited for."""
        kinds.load()
        wait = POLL_SECONDS
        with ThreadPoolExecutor(MAX_THREADS, thread_name_prefix="delivery") as threads:
            while not self._stopping.is_set():
                self._wake.clear()
                try:
                    self._start_turns(threads)
                    wait = POLL_SECONDS
                except DatabaseError as error:
                    connection.close()
                    if wait == POLL_SECONDS:
                        log.warning("delivery_lost_database: %s", type(error).__name__)
                    wait = min(2 * wait, _LONGEST_OUTAGE_WAIT)
                except Exception:
                    log.exception("delivery_broke")  # nobody would start the thread again
                    wait = _LONGEST_OUTAGE_WAIT
                self._wake.wait(wait)
        connection.close()

    def _start_turns(self, threads: ThreadPoolExecutor) -> None:
        for sink_id in sink_rows.due_sinks(kinds=kinds.KINDS, now=self._clock()):
            with self._lock:
                if sink_id in self._busy:
                    continue
                self._busy.add(sink_id)
            threads.submit(self._turn, sink_id)

    def _turn(self, sink_id: UUID) -> None:
        delivered = 0
        try:
            delivered = sender.deliver(sink_id, now=self._clock(), is_stopping=self._stopping.is_set)
        except DatabaseError as error:
            log.warning("delivery_lost_database: %s", type(error).__name__)
        except Exception:
            log.exception("delivery_broke: %s", sink_id)
        finally:
            connection.close()
            with self._lock:
                self._busy.discard(sink_id)
            if delivered:
                self._wake.set()
