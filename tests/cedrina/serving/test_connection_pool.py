"""Threads that compute, threads that wait, and the connections that they share."""

import threading
import time

import pytest
from django.db import DEFAULT_DB_ALIAS, connections

from cedrina.serving import connection_pool


@pytest.fixture
def two():
    found = connection_pool.ConnectionPool(2)
    yield found
    for _ in range(2):
        found._idle.get_nowait().close()


def run_all(target, count):
    """Run in threads of their own: a slot takes the place of its thread's connection, which the tests' own needs."""
    threads = [threading.Thread(target=target) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)


class TestBounded:
    def test_lets_only_so_many_compute(self, two):
        at_once, most = [], []

        def work(environ, start_response):
            at_once.append(1)
            most.append(len(at_once))
            time.sleep(0.01)
            at_once.pop()
            return [b"done"]

        application = connection_pool.with_pooled_connection(work, two)
        run_all(lambda: application({}, None), 10)
        assert len(most) == 10
        assert max(most) == 2

    def test_closes_the_answer_before_the_slot_is_free(self, two):
        held = []

        class Answer(list):
            def close(self):
                held.append(two._held.connection is not None)

        application = connection_pool.with_pooled_connection(lambda *_: Answer([b"a"]), two)
        run_all(lambda: application({}, None), 1)
        assert held == [True]

    def test_gives_the_slot_back_after_a_fault(self, two):
        def broken(environ, start_response):
            raise RuntimeError

        application = connection_pool.with_pooled_connection(broken, two)
        faults = []

        def fails():
            with pytest.raises(RuntimeError):
                application({}, None)
            faults.append(1)

        for _ in range(5):
            run_all(fails, 1)
        assert len(faults) == 5

    def test_refuses_requests_that_wait_too_long(self, two, monkeypatch):
        monkeypatch.setattr(connection_pool, "ACQUIRE_TIMEOUT_SECONDS", 0.01)
        refusals = []

        def third():
            try:
                two.acquire()
            except connection_pool.NoConnectionAvailable:
                refusals.append(1)

        two_taken = [two._idle.get_nowait() for _ in range(2)]
        run_all(third, 1)
        for connection in two_taken:
            two._idle.put(connection)
        assert refusals == [1]


class TestReleased:
    def test_lets_others_compute_meanwhile(self, two):
        order = []

        def waits():
            two.acquire()
            with two.released():
                order.append(len(others))
                inside.set()
                finished.wait(120)
            two.release()

        others, inside, finished = [], threading.Event(), threading.Event()
        waiting = [threading.Thread(target=waits) for _ in range(4)]
        for thread in waiting:
            thread.start()
        assert inside.wait(120)

        def other():
            two.acquire()
            others.append(1)
            two.release()

        run_all(other, 6)
        finished.set()
        for thread in waiting:
            thread.join(5)
        assert len(others) == 6

    def test_goes_on_with_a_connection_that_is_looked_at_first(self, two):
        def inside():
            two.acquire()
            with two.released():
                for connection in resting:
                    connection.health_check_done = True
                    two._idle.put(connection)
            looked_at.append(two._held.connection.health_check_done)
            two.release()

        resting, looked_at = [two._idle.get_nowait()], []
        run_all(inside, 1)
        assert looked_at == [False]

    def test_does_nothing_without_a_connection(self, two):
        with two.released():
            pass

    def test_keeps_the_slot_in_a_transaction(self, two):
        def inside():
            two.acquire()
            connection = connections[DEFAULT_DB_ALIAS]
            connection.in_atomic_block = True
            with two.released():
                kept.append(two._held.connection is connection)
            connection.in_atomic_block = False
            two.release()

        kept = []
        run_all(inside, 1)
        assert kept == [True]
