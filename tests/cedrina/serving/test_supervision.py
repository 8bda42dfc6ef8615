"""When a worker is started again, and when none is any more. Real processes: tests/journeys/test_http_workers.py."""

import os
import signal

import pytest

from cedrina.serving.supervision import (
    FIRST_PAUSE_SECONDS,
    LONGEST_PAUSE_SECONDS,
    MOST_FAILED_STARTS,
    NONE_READY_SECONDS,
    SETTLED_SECONDS,
    Supervisor,
    Worker,
)

FAILED = 1 << 8  # as wait() says it: exit code 1
KILLED = int(signal.SIGKILL)
NOW = 1000.0


@pytest.fixture
def supervisor():
    return Supervisor(number=2, work=lambda _slot, _cell, _ready: None)


def end(supervisor, *, status, ready_at=None, at=NOW, slot=0):
    reading, writing = os.pipe()
    os.close(writing)
    worker = Worker(slot=slot, cell=0, pid=1, ready_pipe=reading, started_at=at, ready_at=ready_at)
    supervisor._note_end(worker, status, at)
    return supervisor._slots[slot].due_at - at


class TestPauses:
    def test_grow_from_end_to_end_up_to_a_limit(self, supervisor):
        pauses = [end(supervisor, status=KILLED, ready_at=NOW) for _ in range(8)]
        assert pauses[:3] == [FIRST_PAUSE_SECONDS, 2 * FIRST_PAUSE_SECONDS, 4 * FIRST_PAUSE_SECONDS]
        assert pauses[-1] == LONGEST_PAUSE_SECONDS

    def test_begin_anew_after_one_that_served_for_long(self, supervisor):
        for _ in range(5):
            end(supervisor, status=KILLED, ready_at=NOW)
        assert end(supervisor, status=KILLED, ready_at=NOW - SETTLED_SECONDS - 1) == FIRST_PAUSE_SECONDS

    def test_of_one_place_are_not_those_of_another(self, supervisor):
        for _ in range(5):
            end(supervisor, status=KILLED, ready_at=NOW, slot=0)
        assert end(supervisor, status=KILLED, ready_at=NOW, slot=1) == FIRST_PAUSE_SECONDS

    def test_are_said_in_one_line(self, supervisor, capsys):
        end(supervisor, status=KILLED, ready_at=NOW)
        end(supervisor, status=FAILED)
        assert capsys.readouterr().err.splitlines() == [
            "Worker 1 ended by SIGKILL; it is started again within 0.25 s.",
            "Worker 1 ended with exit code 1; it is started again within 0.5 s.",
        ]


class TestHopelessness:
    def test_comes_after_so_many_starts_that_failed(self, supervisor):
        for _ in range(MOST_FAILED_STARTS - 1):
            end(supervisor, status=FAILED)
        assert not supervisor._is_hopeless()
        end(supervisor, status=FAILED)
        assert supervisor._is_hopeless()

    def test_does_not_come_by_workers_that_had_served(self, supervisor):
        for _ in range(3 * MOST_FAILED_STARTS):
            end(supervisor, status=KILLED, ready_at=NOW)
        assert not supervisor._is_hopeless()

    def test_does_not_come_while_another_serves(self, supervisor):
        for _ in range(MOST_FAILED_STARTS):
            end(supervisor, status=FAILED)
        supervisor._workers[2] = Worker(slot=1, cell=1, pid=2, ready_pipe=-1, started_at=NOW, ready_at=NOW)
        assert not supervisor._is_hopeless()

    def test_takes_longer_when_they_were_killed_from_outside(self, supervisor):
        for _ in range(3 * MOST_FAILED_STARTS):
            end(supervisor, status=KILLED)
        assert not supervisor._is_hopeless()
        supervisor._last_ready_at -= NONE_READY_SECONDS
        assert supervisor._is_hopeless()
