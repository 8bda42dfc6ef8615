"""Supervise worker processes: one that ends is restarted, with exponential backoff.

The supervising process does nothing else. It has one thread and no event loop, so that it can fork at any time, and a
worker starts with the modules that it has imported. On Linux workers end when the supervisor ends, also after SIGKILL.
"""

import ctypes
import os
import select
import signal
import socket
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

INITIAL_DELAY_SECONDS = 0.25
MAX_DELAY_SECONDS = 10.0
# A worker that served for this time is restarted with the initial delay again.
RESET_AFTER_SECONDS = 60.0
# Starts that may fail in a row while no worker is ready. A worker that is killed, such as by the out-of-memory killer,
# does not count: NONE_READY_TIMEOUT_SECONDS is the limit then.
MAX_FAILED_STARTS = 5
NONE_READY_TIMEOUT_SECONDS = 300.0
STOP_TIMEOUT_SECONDS = 8.0  # docker kills after 10
POLL_SECONDS = 0.5
HANDLED_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD)
PR_SET_PDEATHSIG = 1

Ready = Callable[[], None]
Work = Callable[[int, int, Ready], None]


@dataclass
class Worker:
    """One worker process.

    ``position`` stays the same when a worker is replaced. No other living worker has its ``process_number``.
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


@dataclass
class WorkerPosition:
    """The restarts of one position: how often its workers ended lately, and when the next one is to start."""

    losses: int = 0
    start_at: float = 0.0


class Supervisor:
    """Runs ``work(position, process_number, ready)`` in ``number`` processes.

    ``work`` calls ``ready`` once it serves and returns when it has stopped. ``on_end`` is called with each worker that
    has ended.
    """

    def __init__(self, *, number: int, work: Work, on_end: Callable[[Worker], None] = lambda _worker: None) -> None:
        self._positions = [WorkerPosition() for _ in range(number)]
        self._work = work
        self._on_end = on_end
        self._workers: dict[int, Worker] = {}
        self._to_replace: list[Worker] = []
        self._failed_starts = 0
        self._last_end = "before it was ready"
        self._last_ready_at = time.monotonic()
        self._is_stopping = self._is_reload_requested = False

    def run(self) -> int:
        """Run until SIGTERM or SIGINT and return 0. Return 1 when no worker can start."""
        wakeup_reader, wakeup_writer = socket.socketpair()
        for end in (wakeup_reader, wakeup_writer):
            end.setblocking(False)
        signal.set_wakeup_fd(wakeup_writer.fileno(), warn_on_full_buffer=False)
        for signum in HANDLED_SIGNALS:
            signal.signal(signum, self._handle)
        try:
            while not self._is_stopping:
                self._update()
                if self._cannot_serve():
                    _print(f"No worker can start: the last one ended {self._last_end}; what it said stands above.")
                    return 1
                self._start_due()
                self._reload_next()
                _sleep(wakeup_reader)
            return 0
        finally:
            self._stop_all(wakeup_reader)

    def _handle(self, signum: int, _frame: object) -> None:
        if signum in (signal.SIGTERM, signal.SIGINT):
            self._is_stopping = True
        elif signum == signal.SIGHUP:
            self._is_reload_requested = True

    def _update(self) -> None:
        """Record which workers became ready or ended. Kill those that did not stop within STOP_TIMEOUT_SECONDS."""
        now = time.monotonic()
        for worker in self._workers.values():
            worker.read_ready_signal(now)
            if worker.stop_requested_at is not None and now - worker.stop_requested_at > STOP_TIMEOUT_SECONDS:
                os.kill(worker.pid, signal.SIGKILL)
        if any(worker.ready_at is not None for worker in self._workers.values()):
            self._last_ready_at, self._failed_starts = now, 0
        while self._workers:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if not pid:
                return
            if pid in self._workers:  # process 1 of a container also reaps orphans of other processes
                self._record_end(self._workers.pop(pid), status, now)

    def _record_end(self, worker: Worker, status: int, now: float) -> None:
        worker.read_ready_signal(now)
        os.close(worker.ready_pipe)
        self._on_end(worker)
        if worker.stop_requested_at is not None:
            return
        position = self._positions[worker.position]
        code = os.waitstatus_to_exitcode(status)
        self._last_end = f"by {signal.Signals(-code).name}" if code < 0 else f"with exit code {code}"
        if worker.ready_at is None:
            self._failed_starts += code >= 0
        elif now - worker.ready_at > RESET_AFTER_SECONDS:
            position.losses = 0
        delay = min(MAX_DELAY_SECONDS, INITIAL_DELAY_SECONDS * 2**position.losses)
        position.losses += 1
        position.start_at = now + delay
        if not self._is_stopping:
            _print(f"Worker {worker.position + 1} ended {self._last_end}; it is started again within {delay:g} s.")

    def _cannot_serve(self) -> bool:
        """Return whether no worker serves and none is expected to."""
        if any(worker.ready_at is not None for worker in self._workers.values()):
            return False
        waited = time.monotonic() - self._last_ready_at
        return self._failed_starts >= MAX_FAILED_STARTS or waited >= NONE_READY_TIMEOUT_SECONDS

    def _start_due(self) -> None:
        now = time.monotonic()
        occupied = {worker.position for worker in self._workers.values() if worker.stop_requested_at is None}
        free = [number for number in range(len(self._positions)) if number not in occupied]
        if not occupied and free:
            # No worker serves. The backoff protects the machine from a loop of starts while others serve; now only
            # failed starts count.
            first = min(free, key=lambda number: self._positions[number].start_at)
            earliest = now + INITIAL_DELAY_SECONDS * (2**self._failed_starts - 1)
            self._positions[first].start_at = min(self._positions[first].start_at, earliest)
        for number in free:
            if self._positions[number].start_at <= now:
                self._start(number)

    def _start(self, position: int) -> Worker:
        process_number = min(
            set(range(2 * len(self._positions) + 1)) - {worker.process_number for worker in self._workers.values()}
        )
        reading, writing = os.pipe()
        supervisor = os.getpid()
        pid = os.fork()
        if pid == 0:
            os.close(reading)
            _become_worker(supervisor, lambda: self._work(position, process_number, lambda: _tell_ready(writing)))
        os.close(writing)
        worker = self._workers[pid] = Worker(position, process_number, pid, reading, time.monotonic())
        return worker

    def _reload_next(self) -> None:
        """Replace one worker after the other on SIGHUP: the old one stops when the new one is ready."""
        if self._is_reload_requested:
            self._is_reload_requested = False
            self._to_replace = [worker for worker in self._workers.values() if worker.stop_requested_at is None]
        while self._to_replace:
            old = self._to_replace[0]
            others = [
                worker for worker in self._workers.values() if worker.position == old.position and worker is not old
            ]
            new = next((worker for worker in others if worker.stop_requested_at is None), None)
            if old.pid not in self._workers or (new is not None and new.ready_at is not None):
                self._request_stop(old)
                self._to_replace.pop(0)
            elif new is None and self._positions[old.position].start_at <= time.monotonic():
                self._start(old.position)
            else:
                return

    def _request_stop(self, worker: Worker) -> None:
        if worker.pid in self._workers and worker.stop_requested_at is None:
            worker.stop_requested_at = time.monotonic()
            os.kill(worker.pid, signal.SIGTERM)

    def _stop_all(self, wakeup_reader: socket.socket) -> None:
        for worker in list(self._workers.values()):
            self._request_stop(worker)
        while self._workers:
            self._update()
            _sleep(wakeup_reader)


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


def _sleep(wakeup_reader: socket.socket) -> None:
    """Wait for a signal, at most POLL_SECONDS."""
    if select.select([wakeup_reader], [], [], POLL_SECONDS)[0]:
        wakeup_reader.recv(4096)


def _print(sentence: str) -> None:
    print(sentence, file=sys.stderr, flush=True)  # noqa: T201 - no logging is set up in this process
