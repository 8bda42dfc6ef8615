"""When a worker is started again, and when none is any more. Served: tests/journeys/servers/test_http_workers.py."""

import os
import signal

import pytest

from cedrina.serving.processes.reexecution import SupervisorState, WorkerPosition
from cedrina.serving.processes.supervision import (
    INITIAL_DELAY_SECONDS,
    MAX_DELAY_SECONDS,
    MAX_FAILED_STARTS,
    NONE_READY_TIMEOUT_SECONDS,
    RESET_AFTER_SECONDS,
    Supervisor,
)
from cedrina.serving.processes.worker_process import Worker

FAILED = 1 << 8  # as wait() says it: exit code 1
KILLED = int(signal.SIGKILL)
NOW = 1000.0


@pytest.fixture
def supervisor():
    state = SupervisorState(positions=[WorkerPosition(), WorkerPosition()])
    return Supervisor(state=state, work=lambda _slot, _cell, _ready: None)


def end(supervisor, *, status, ready_at=None, at=NOW, position=0):
    reading, writing = os.pipe()
    os.close(writing)
    worker = Worker(position=position, process_number=0, pid=1, ready_pipe=reading, started_at=at, ready_at=ready_at)
    supervisor._record_end(worker, status, at)
    return supervisor._positions[position].start_at - at


class TestPauses:
    def test_grow_from_end_to_end_up_to_a_limit(self, supervisor):
        pauses = [end(supervisor, status=KILLED, ready_at=NOW) for _ in range(8)]
        assert pauses[:3] == [INITIAL_DELAY_SECONDS, 2 * INITIAL_DELAY_SECONDS, 4 * INITIAL_DELAY_SECONDS]
        assert pauses[-1] == MAX_DELAY_SECONDS

    def test_begin_anew_after_one_that_served_for_long(self, supervisor):
        for _ in range(5):
            end(supervisor, status=KILLED, ready_at=NOW)
        assert end(supervisor, status=KILLED, ready_at=NOW - RESET_AFTER_SECONDS - 1) == INITIAL_DELAY_SECONDS

    def test_of_one_place_are_not_those_of_another(self, supervisor):
        for _ in range(5):
            end(supervisor, status=KILLED, ready_at=NOW, position=0)
        assert end(supervisor, status=KILLED, ready_at=NOW, position=1) == INITIAL_DELAY_SECONDS

    def test_are_said_in_one_line(self, supervisor, capsys):
        end(supervisor, status=KILLED, ready_at=NOW)
        end(supervisor, status=FAILED)
        assert capsys.readouterr().err.splitlines() == [
            "Worker 1 ended by SIGKILL; it is started again within 0.25 s.",
            "Worker 1 ended with exit code 1; it is started again within 0.5 s.",
        ]


class TestHopelessness:
    def test_comes_after_so_many_starts_that_failed(self, supervisor):
        for _ in range(MAX_FAILED_STARTS - 1):
            end(supervisor, status=FAILED)
        assert not supervisor._cannot_serve()
        end(supervisor, status=FAILED)
        assert supervisor._cannot_serve()

    def test_waits_for_one_that_still_starts(self, supervisor):
        for _ in range(MAX_FAILED_STARTS):
            end(supervisor, status=FAILED)
        supervisor._workers[2] = Worker(position=1, process_number=1, pid=2, ready_pipe=-1, started_at=NOW)
        assert not supervisor._cannot_serve()
        supervisor._start_due()
        assert list(supervisor._workers) == [2]
        del supervisor._workers[2]
        assert supervisor._cannot_serve()

    def test_does_not_come_by_workers_that_had_served(self, supervisor):
        for _ in range(3 * MAX_FAILED_STARTS):
            end(supervisor, status=KILLED, ready_at=NOW)
        assert not supervisor._cannot_serve()

    def test_does_not_come_while_another_serves(self, supervisor):
        for _ in range(MAX_FAILED_STARTS):
            end(supervisor, status=FAILED)
        supervisor._workers[2] = Worker(
            position=1, process_number=1, pid=2, ready_pipe=-1, started_at=NOW, ready_at=NOW
        )
        assert not supervisor._cannot_serve()

    def test_takes_longer_when_they_were_killed_from_outside(self, supervisor):
        for _ in range(3 * MAX_FAILED_STARTS):
            end(supervisor, status=KILLED)
        assert not supervisor._cannot_serve()
        supervisor._last_ready_at -= NONE_READY_TIMEOUT_SECONDS
        assert supervisor._cannot_serve()
