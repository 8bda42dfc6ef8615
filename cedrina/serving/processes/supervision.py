"""Supervise worker processes: one that ends is restarted, with exponential backoff.

The supervising process loads the code and does nothing else. It has one thread, no event loop and no connection, so
that it can fork at any time, and workers share the memory of what it has loaded. To serve new code it replaces its own
program (``reexecution``), then its workers. On Linux workers end when the supervisor ends, also after SIGKILL.
"""

import os
import select
import signal
import socket
import sys
import time
import traceback
from collections.abc import Callable
from typing import TYPE_CHECKING

from cedrina.serving.processes.reexecution import NextProgram, SupervisorState
from cedrina.serving.processes.worker_process import HANDLED_SIGNALS, Work, Worker, fork_worker

if TYPE_CHECKING:
    import subprocess

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


class StopRequested(BaseException):
    """SIGTERM or SIGINT arrived while the code is loaded, which takes seconds."""


class Supervisor:
    """Runs ``work(position, process_number, ready)`` in a process for each position of ``state``.

    ``load`` is called first. ``work`` calls ``ready`` once it serves and returns when it has stopped. ``on_end`` is
    called with each worker that has ended. Workers in ``state`` are those of the program that this one replaced: they
    are replaced, too.
    """

    def __init__(
        self,
        *,
        state: SupervisorState,
        work: Work,
        load: Callable[[], None] = lambda: None,
        on_end: Callable[[Worker], None] = lambda _worker: None,
        next_program: NextProgram | None = None,
    ) -> None:
        self._positions = state.positions
        self._resources = state.resources
        self._work = work
        self._load = load
        self._on_end = on_end
        self._next_program = next_program
        self._check: subprocess.Popen[bytes] | None = None
        self._is_loading = False
        self._workers = {worker.pid: worker for worker in state.workers}
        self._to_replace = [worker for worker in state.workers if worker.stop_requested_at is None]
        self._failed_starts = 0
        self._last_end = "before it was ready"
        self._last_ready_at = time.monotonic()
        self._is_stopping = self._is_reload_requested = False

    def run(self) -> int:
        """Run until SIGTERM or SIGINT and return 0. Return 1 when no worker can start.

        Raises: whatever ``load`` raises, unless workers of the previous program serve.
        """
        wakeup_reader, wakeup_writer = socket.socketpair()
        for end in (wakeup_reader, wakeup_writer):
            end.setblocking(False)
        signal.set_wakeup_fd(wakeup_writer.fileno(), warn_on_full_buffer=False)
        for signum in HANDLED_SIGNALS:
            signal.signal(signum, self._handle)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, HANDLED_SIGNALS)  # the previous program blocked them
        has_failed = False
        try:
            self._load_code()
            while not self._is_stopping and not has_failed:
                self._start_due()
                self._reload_next()
                _sleep(wakeup_reader)
                self._update()
                has_failed = self._cannot_serve()
        except StopRequested:
            pass
        finally:
            self._stop_all(wakeup_reader)
        if has_failed:
            _print(f"No worker can start: the last one ended {self._last_end}; what it said stands above.")
        return int(has_failed)

    def _load_code(self) -> None:
        self._is_loading = True
        try:
            self._load()
        except (Exception, SystemExit):
            if not self._workers:
                raise
            # The checks passed a moment ago. Each new worker tries to load the code itself; the old ones serve.
            traceback.print_exc()
        finally:
            self._is_loading = False
        if self._is_stopping:
            raise StopRequested

    def _handle(self, signum: int, _frame: object) -> None:
        if signum in (signal.SIGTERM, signal.SIGINT):
            self._is_stopping = True
            if self._is_loading:
                self._is_loading = False
                raise StopRequested
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
            if self._check is not None and pid == self._check.pid:
                self._check.returncode = os.waitstatus_to_exitcode(status)
            elif pid in self._workers:  # process 1 of a container also reaps orphans of other processes
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
        has_failed = self._failed_starts >= MAX_FAILED_STARTS and not self._workers
        return has_failed or waited >= NONE_READY_TIMEOUT_SECONDS

    def _start_due(self) -> None:
        if self._failed_starts >= MAX_FAILED_STARTS:
            return  # those that are still starting are the last ones, unless one becomes ready
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
        worker = fork_worker(position, process_number, self._work)
        self._workers[worker.pid] = worker
        return worker

    def _reload_next(self) -> None:
        """Replace the program on SIGHUP, then one worker after the other: the old one stops when the new one is ready.

        The next program first proves in a process of its own that it can load the present code and settings.
        """
        if self._is_reload_requested and self._check is None and self._next_program is not None:
            self._is_reload_requested = False
            self._check = self._next_program.start_check(self._state())
        if self._check is not None and self._check.returncode is not None:
            self._end_check(self._check.returncode)
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

    def _state(self) -> SupervisorState:
        return SupervisorState(self._positions, list(self._workers.values()), self._resources)

    def _end_check(self, code: int) -> None:
        self._check = None
        if code:
            _print("The new code is not used, because its checks failed; what they said stands above.")
        elif self._next_program is not None:
            try:
                self._next_program.execute(self._state())
            except OSError as error:
                _print(f"The new code is not used: {error.strerror}.")

    def _request_stop(self, worker: Worker) -> None:
        if worker.pid in self._workers and worker.stop_requested_at is None:
            worker.stop_requested_at = time.monotonic()
            os.kill(worker.pid, signal.SIGTERM)

    def _stop_all(self, wakeup_reader: socket.socket) -> None:
        for worker in list(self._workers.values()):
            self._request_stop(worker)
        if self._check is not None and self._check.returncode is None:
            self._check.kill()
        while self._workers:
            self._update()
            _sleep(wakeup_reader)


def _sleep(wakeup_reader: socket.socket) -> None:
    """Wait for a signal, at most POLL_SECONDS."""
    if select.select([wakeup_reader], [], [], POLL_SECONDS)[0]:
        wakeup_reader.recv(4096)


def _print(sentence: str) -> None:
    print(sentence, file=sys.stderr, flush=True)  # noqa: T201 - for the operator's terminal, whatever LOG_FORMAT is
