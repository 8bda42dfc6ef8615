"""One worker process: how it is forked, how it says that it is ready, and what its supervisor knows about it."""

import ctypes
import os
import select
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

HANDLED_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD)
PR_SET_PDEATHSIG = 1

Ready = Callable[[], None]
Work = Callable[[int, int, Ready], None]


@dataclass
class Worker:
    """One worker process.

    ``position`` stays the same when a worker is replaced. No other living worker has its ``process_number``. Times are
    those of ``time.monotonic()``.
    """

    position: int
    process_number: int
    pid: int
    ready_pipe: int
    started_at: float
    ready_at: float | None = None
    stop_requested_at: float | None = None  # SIGTERM was sent

    def read_ready_signal(self, now: float) -> None:
        """Read the byte that the worker writes when it is ready."""
        if self.ready_at is None and select.select([self.ready_pipe], [], [], 0)[0] and os.read(self.ready_pipe, 1):
            self.ready_at = now


def fork_worker(position: int, process_number: int, work: Work) -> Worker:
    """Return the worker of a forked process that runs ``work``."""
    reading, writing = os.pipe()
    supervisor = os.getpid()
    pid = os.fork()
    if pid == 0:
        os.close(reading)
        _become_worker(supervisor, lambda: work(position, process_number, lambda: _tell_ready(writing)))
    os.close(writing)
    return Worker(position, process_number, pid, reading, time.monotonic())


def _become_worker(supervisor: int, work: Callable[[], None]) -> None:
    """Run ``work`` in a forked process and exit. It does not return."""
    code = 1
    try:
        signal.set_wakeup_fd(-1)
        for signum in HANDLED_SIGNALS:
            signal.signal(signum, signal.SIG_DFL)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)  # a terminal sends it to all; the supervisor handles it
        if sys.platform == "linux":
            ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() == supervisor:  # otherwise it ended before prctl() was called
            work()
            code = 0
    except BaseException as error:  # noqa: BLE001 - the process ends here after any error
        sys.excepthook(type(error), error, error.__traceback__)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _tell_ready(pipe: int) -> None:
    os.write(pipe, b"\n")
