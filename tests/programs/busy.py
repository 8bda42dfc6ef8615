"""A machine that is busy: how late everything is, and two processes that take both cores."""

import subprocess
import sys
import threading
import time
from contextlib import contextmanager

BURNERS = 2
LONGEST_SECONDS = 120  # they end by themselves, whatever becomes of the test
BURN = f"import time\nend = time.monotonic() + {LONGEST_SECONDS}\nwhile time.monotonic() < end: pass"
NAP_SECONDS = 0.01
NAPS_PER_BURST = 10
BURST_SECONDS = 0.01  # of CPU: longer than a process that has slept is favoured for
HANDOVERS = 4  # client, worker, database or network, and back: each may find the machine busy
COMPUTED_SECONDS = 0.2  # of CPU, at most, by all that take part in an answer


@contextmanager
def both_cores_loaded():
    """Compute in two processes until the block ends."""
    burners = [subprocess.Popen([sys.executable, "-c", BURN], stdin=subprocess.DEVNULL) for _ in range(BURNERS)]
    try:
        yield
    finally:
        for burner in burners:
            burner.kill()
            burner.wait()


class Lateness:
    """What the machine, not the application, made anybody wait: for a turn, and while others had their turns.

    A process that sleeps gets its turn soon, also on a busy machine; one that computes shares its core.
    """

    def __init__(self):
        self.seconds = 0.0  # the longest time by which a nap was too long
        self._bursts = (0.0, 0.0)  # CPU seconds that bursts of computing had, and how long they took
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._measure, daemon=True)

    @property
    def allowance(self):
        """By how many seconds an answer may be later than the application promises."""
        return HANDOVERS * self.seconds + COMPUTED_SECONDS * (self._slowdown() - 1)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_about):
        self._ended.set()
        self._thread.join()

    def _slowdown(self):
        """Return how many times as long as its CPU time anything that was computed here took."""
        computed, took = self._bursts
        return took / computed if computed else 1.0

    def _measure(self):
        while not self._ended.is_set():
            for _ in range(NAPS_PER_BURST):
                started = time.monotonic()
                time.sleep(NAP_SECONDS)
                self.seconds = max(self.seconds, time.monotonic() - started - NAP_SECONDS)
            self._compute()

    def _compute(self):
        started, computed = time.monotonic(), time.thread_time()
        while time.thread_time() - computed < BURST_SECONDS:
            pass
        computed = time.thread_time() - computed
        self._bursts = (self._bursts[0] + computed, self._bursts[1] + time.monotonic() - started)
