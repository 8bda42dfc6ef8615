"""Keep a number of worker processes running: one that ends is replaced, after a pause that grows from end to end.

This process does nothing else. It has one thread and no event loop, so that it can fork at any time and a worker starts
with what it has imported. A worker ends when this process does, whichever way that happens (on Linux).
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

FIRST_PAUSE_SECONDS = 0.25
LONGEST_PAUSE_SECONDS = 10.0
# One that served for so long begins anew with the first pause.
SETTLED_SECONDS = 60.0
# No worker is ready, and so many in a row gave up before they were: none can start. One that is killed from outside, as
# the out-of-memory killer does it, does not count; but in the end somebody has to hear of it.
MOST_FAILED_STARTS = 5
NONE_READY_SECONDS = 300.0
STOP_SECONDS = 8.0  # docker kills after 10
LOOK_SECONDS = 0.5
HANDLED = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD)
PR_SET_PDEATHSIG = 1

Ready = Callable[[], None]
Work = Callable[[int, int, Ready], None]


@dataclass
class Worker:
    """One process. ``cell`` is a number that no other living worker has; ``slot`` stays the same in its successor."""

    slot: int
    cell: int
    pid: int
    ready_pipe: int
    started_at: float
    ready_at: float | None = None
    leaves_since: float | None = None  # it was asked to end

    def look_whether_ready(self, now: float) -> None:
        """Note the byte that a worker writes when it is ready."""
        if self.ready_at is None and select.select([self.ready_pipe], [], [], 0)[0] and os.read(self.ready_pipe, 1):
            self.ready_at = now


@dataclass
class Slot:
    """A place for one worker: how often it was lost lately, and when the next one is due."""

    ends: int = 0
    due_at: float = 0.0


class Supervisor:
    """Runs ``work(slot, cell, ready)`` in so many processes: it calls ``ready`` once it serves, returns when it ended.

    ``note_end`` is told who ended.
    """

    def __init__(self, *, number: int, work: Work, note_end: Callable[[Worker], None] = lambda _worker: None) -> None:
        self._slots = [Slot() for _ in range(number)]
        self._work = work
        self._tell_of_end = note_end
        self._workers: dict[int, Worker] = {}
        self._to_replace: list[Worker] = []
        self._failed_starts = 0
        self._last_end = "before it was ready"
        self._last_ready_at = time.monotonic()
        self._is_stopping = self._is_asked_to_reload = False

    def run(self) -> int:
        """Work until SIGTERM or SIGINT comes, then return 0; return 1 when no worker can start."""
        woken, waking = socket.socketpair()
        for end in (woken, waking):
            end.setblocking(False)
        signal.set_wakeup_fd(waking.fileno(), warn_on_full_buffer=False)
        for signum in HANDLED:
            signal.signal(signum, self._handle)
        try:
            while not self._is_stopping:
                self._look()
                if self._is_hopeless():
                    _say(f"No worker can start: the last one ended {self._last_end}; what it said stands above.")
                    return 1
                self._start_what_is_due()
                self._reload_next()
                _sleep(woken)
            return 0
        finally:
            self._stop_all(woken)

    def _handle(self, signum: int, _frame: object) -> None:
        if signum in (signal.SIGTERM, signal.SIGINT):
            self._is_stopping = True
        elif signum == signal.SIGHUP:
            self._is_asked_to_reload = True

    def _look(self) -> None:
        """Note who became ready and who ended; kill who was asked to end and does not."""
        now = time.monotonic()
        for worker in self._workers.values():
            worker.look_whether_ready(now)
            if worker.leaves_since is not None and now - worker.leaves_since > STOP_SECONDS:
                os.kill(worker.pid, signal.SIGKILL)
        if any(worker.ready_at is not None for worker in self._workers.values()):
            self._last_ready_at, self._failed_starts = now, 0
        while self._workers:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if not pid:
                return
            if pid in self._workers:  # as the first process of a container this one gets the orphans of others too
                self._note_end(self._workers.pop(pid), status, now)

    def _note_end(self, worker: Worker, status: int, now: float) -> None:
        worker.look_whether_ready(now)
        os.close(worker.ready_pipe)
        self._tell_of_end(worker)
        if worker.leaves_since is not None:
            return
        slot = self._slots[worker.slot]
        code = os.waitstatus_to_exitcode(status)
        self._last_end = f"by {signal.Signals(-code).name}" if code < 0 else f"with exit code {code}"
        if worker.ready_at is None:
            self._failed_starts += code >= 0
        elif now - worker.ready_at > SETTLED_SECONDS:
            slot.ends = 0
        pause = min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2**slot.ends)
        slot.ends += 1
        slot.due_at = now + pause
        if not self._is_stopping:
            _say(f"Worker {worker.slot + 1} ended {self._last_end}; it is started again within {pause:g} s.")

    def _is_hopeless(self) -> bool:
        """Whether no worker serves and none can be expected to."""
        if any(worker.ready_at is not None for worker in self._workers.values()):
            return False
        lasts = time.monotonic() - self._last_ready_at
        return self._failed_starts >= MOST_FAILED_STARTS or lasts >= NONE_READY_SECONDS

    def _start_what_is_due(self) -> None:
        now = time.monotonic()
        taken = {worker.slot for worker in self._workers.values() if worker.leaves_since is None}
        free = [number for number in range(len(self._slots)) if number not in taken]
        if not taken and free:
            # Nobody serves. The pause protects the machine from a loop of starts while others serve; now it is only
            # as long as starting itself fails.
            first = min(free, key=lambda number: self._slots[number].due_at)
            soon = now + FIRST_PAUSE_SECONDS * (2**self._failed_starts - 1)
            self._slots[first].due_at = min(self._slots[first].due_at, soon)
        for number in free:
            if self._slots[number].due_at <= now:
                self._start(number)

    def _start(self, slot: int) -> Worker:
        cell = min(set(range(2 * len(self._slots) + 1)) - {worker.cell for worker in self._workers.values()})
        reading, writing = os.pipe()
        supervisor = os.getpid()
        pid = os.fork()
        if pid == 0:
            os.close(reading)
            _become_worker(supervisor, lambda: self._work(slot, cell, lambda: _tell_ready(writing)))
        os.close(writing)
        worker = self._workers[pid] = Worker(slot, cell, pid, reading, time.monotonic())
        return worker

    def _reload_next(self) -> None:
        """On SIGHUP replace one worker after the other: the old one ends when the new one is ready."""
        if self._is_asked_to_reload:
            self._is_asked_to_reload = False
            self._to_replace = [worker for worker in self._workers.values() if worker.leaves_since is None]
        while self._to_replace:
            old = self._to_replace[0]
            others = [worker for worker in self._workers.values() if worker.slot == old.slot and worker is not old]
            new = next((worker for worker in others if worker.leaves_since is None), None)
            if old.pid not in self._workers or (new is not None and new.ready_at is not None):
                self._ask_to_end(old)
                self._to_replace.pop(0)
            elif new is None and self._slots[old.slot].due_at <= time.monotonic():
                self._start(old.slot)
            else:
                return

    def _ask_to_end(self, worker: Worker) -> None:
        if worker.pid in self._workers and worker.leaves_since is None:
            worker.leaves_since = time.monotonic()
            os.kill(worker.pid, signal.SIGTERM)

    def _stop_all(self, woken: socket.socket) -> None:
        for worker in list(self._workers.values()):
            self._ask_to_end(worker)
        while self._workers:
            self._look()
            _sleep(woken)


def _become_worker(supervisor: int, work: Callable[[], None]) -> None:
    """Run ``work`` in a process that was just forked, and end it. Does not return."""
    code = 1
    try:
        signal.set_wakeup_fd(-1)
        for signum in HANDLED:
            signal.signal(signum, signal.SIG_DFL)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)  # a terminal sends it to all; the supervisor acts on it
        if sys.platform == "linux":
            ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() == supervisor:  # else it ended before the kernel knew our wish
            work()
            code = 0
    except BaseException as error:  # noqa: BLE001 - the process ends here, whatever it was
        sys.excepthook(type(error), error, error.__traceback__)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _tell_ready(pipe: int) -> None:
    os.write(pipe, b"\n")


def _sleep(woken: socket.socket) -> None:
    """Wait for a signal, or for the time after which it is worth to look again."""
    if select.select([woken], [], [], LOOK_SECONDS)[0]:
        woken.recv(4096)


def _say(sentence: str) -> None:
    print(sentence, file=sys.stderr, flush=True)  # noqa: T201 - no logging is set up in this process
