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
HANDOVERS = 4  # client, worker, database or network, and back: each may find the machine busy


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
    """The longest time by which a nap was too long: what the machine, not the application, made anybody wait."""

    def __init__(self):
        self.seconds = 0.0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._measure, daemon=True)

    @property
    def allowance(self):
        """By how many seconds an answer may be later than the application promises."""
        return HANDOVERS * self.seconds

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_about):
        self._ended.set()
        self._thread.join()

    def _measure(self):
        while not self._ended.is_set():
            started = time.monotonic()
            time.sleep(NAP_SECONDS)
            self.seconds = max(self.seconds, time.monotonic() - started - NAP_SECONDS)
