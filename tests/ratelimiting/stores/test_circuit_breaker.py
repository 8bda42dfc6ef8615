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
    return [breaker.allows_call() and breaker.record_failure() for _ in range(times)]


class TestACircuit:
    def test_opens_once_after_failures_in_a_row(self, breaker):
        assert fail(breaker, 3) == [False, False, True]
        assert breaker.is_open
        assert not breaker.allows_call()

    def test_stays_closed_when_successes_come_in_between(self, breaker):
        for _ in range(5):
            assert fail(breaker, 2) == [False, False]
            assert not breaker.record_success()
        assert breaker.allows_call()

    def test_lets_one_at_a_time_try_after_the_pause(self, breaker, clock):
        fail(breaker, 3)
        clock.now += 1.9
        assert not breaker.allows_call()
        clock.now += 0.2
        assert [breaker.allows_call() for _ in range(3)] == [True, False, False]

    def test_waits_for_another_pause_when_the_one_failed(self, breaker, clock):
        fail(breaker, 3)
        clock.now += 2
        assert breaker.allows_call()
        assert not breaker.record_failure()
        clock.now += 1.9
        assert not breaker.allows_call()
        clock.now += 0.1
        assert breaker.allows_call()

    def test_closes_once_when_the_one_succeeded(self, breaker, clock):
        fail(breaker, 3)
        clock.now += 2
        assert breaker.allows_call()
        assert breaker.record_success()
        assert not breaker.record_success()
        assert [breaker.allows_call() for _ in range(3)] == [True] * 3
        assert fail(breaker, 2) == [False, False]

    def test_lets_the_next_try_when_the_one_learnt_nothing(self, breaker, clock):
        fail(breaker, 3)
        clock.now += 2
        assert breaker.allows_call()
        breaker.abandon_call()
        assert breaker.allows_call()

    def test_closes_for_a_call_that_was_under_way_when_it_opened(self, breaker):
        assert breaker.allows_call()
        fail(breaker, 3)
        assert breaker.record_success()
        assert breaker.allows_call()

    def test_lets_one_of_many_threads_try(self, breaker, clock):
        fail(breaker, 3)
        clock.now += 2
        admitted, started = [], threading.Barrier(50)

        def ask():
            started.wait()
            admitted.append(breaker.allows_call())

        threads = [threading.Thread(target=ask) for _ in range(50)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sum(admitted) == 1
