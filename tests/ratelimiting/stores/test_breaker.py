import threading

import pytest

from ratelimiting.stores.circuit_breaker import CircuitBreaker


class Clock:
    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def breaker(clock):
    return CircuitBreaker(failures=3, pause=2.0, clock=clock)


def fail(breaker, times):
    return [breaker.admits() and breaker.failed() for _ in range(times)]


class TestACircuit:
    def test_opens_once_after_failures_in_a_row(self, breaker):
        assert fail(breaker, 3) == [False, False, True]
        assert breaker.is_open
        assert not breaker.admits()

    def test_stays_closed_when_successes_come_in_between(self, breaker):
        for _ in range(5):
            assert fail(breaker, 2) == [False, False]
            assert not breaker.succeeded()
        assert breaker.admits()

    def test_lets_one_at_a_time_try_after_the_pause(self, breaker, clock):
        fail(breaker, 3)
        clock.now += 1.9
        assert not breaker.admits()
        clock.now += 0.2
        assert [breaker.admits() for _ in range(3)] == [True, False, False]

    def test_waits_for_another_pause_when_the_one_failed(self, breaker, clock):
        fail(breaker, 3)
        clock.now += 2
        assert breaker.admits()
        assert not breaker.failed()
        clock.now += 1.9
        assert not breaker.admits()
        clock.now += 0.1
        assert breaker.admits()

    def test_closes_once_when_the_one_succeeded(self, breaker, clock):
        fail(breaker, 3)
        clock.now += 2
        assert breaker.admits()
        assert breaker.succeeded()
        assert not breaker.succeeded()
        assert [breaker.admits() for _ in range(3)] == [True] * 3
        assert fail(breaker, 2) == [False, False]

    def test_lets_the_next_try_when_the_one_learnt_nothing(self, breaker, clock):
        fail(breaker, 3)
        clock.now += 2
        assert breaker.admits()
        breaker.abandoned()
        assert breaker.admits()

    def test_closes_for_a_call_that_was_under_way_when_it_opened(self, breaker):
        assert breaker.admits()
        fail(breaker, 3)
        assert breaker.succeeded()
        assert breaker.admits()

    def test_lets_one_of_many_threads_try(self, breaker, clock):
        fail(breaker, 3)
        clock.now += 2
        admitted, started = [], threading.Barrier(50)

        def ask():
            started.wait()
            admitted.append(breaker.admits())

        threads = [threading.Thread(target=ask) for _ in range(50)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sum(admitted) == 1
