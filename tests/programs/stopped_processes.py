"""Stop a process without ending it, so that it does nothing more once the call has returned."""

import os
import signal
import time
from pathlib import Path

STOP_SECONDS = 60
STILL = "TtZX"  # proc(5): stopped on a signal or by a tracer, or ended and not yet waited for


def stop(pid):
    """Send SIGSTOP, and wait until each thread of the process stands still.

    The kernel hands the signal to one thread, which stops the others when it gets a CPU. On a machine that is busy
    these go on for as long as that takes: they read from sockets, answer, and are then cut off in the middle of a line.
    """
    os.kill(pid, signal.SIGSTOP)
    deadline = time.monotonic() + STOP_SECONDS
    while not all(state in STILL for state in _states(pid)):
        assert time.monotonic() < deadline, f"process {pid} does not stop"
        time.sleep(0.001)


def _states(pid):
    """Return the state of each thread. None is seen on systems without /proc."""
    for entry in Path(f"/proc/{pid}/task").glob("*/stat"):
        try:
            yield entry.read_text().rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError):  # it has ended
            continue
