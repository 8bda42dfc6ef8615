"""A real Redis that is halted, killed, flushed and started again."""

import multiprocessing
import threading

import pytest
import redis

from ratelimiting.signals import store_failed, store_recovered
from ratelimiting.stores.circuit_breaker import CircuitBreaker
from ratelimiting.stores.fallback import FallbackStore, RecentResults
from ratelimiting.stores.memory import MemoryStore
from ratelimiting.stores.protocol import StoreUnavailable
from ratelimiting.stores.redis import RedisStore
from ratelimiting.types import Algorithm, Level, LevelResult, LimitDecision, Mode, OnStoreFailure, Quota
from tests import fault_figures

LONG = 30 * 86_400.0  # seconds: such a window hardly ever ends while a test runs by the server's clock
FIVE = Quota(Algorithm.FIXED_WINDOW, 5, LONG)
NOWHERE = "redis://127.0.0.1:1/0"
FAILURES = 3


class Clock:
    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


class Kit:
    """A store with everything that a test looks at."""

    def __init__(self, url, *, deadline=0.05):
        self.clock = Clock()
        self.shared = RedisStore(url, deadline=deadline)
        self.local = MemoryStore()
        self.store = FallbackStore(
            self.shared, self.local, CircuitBreaker(failures=FAILURES, pause=1.0, clock=self.clock)
        )

    @property
    def attempts(self):
        return self.shared.connections.attempts

    def ask(self, *levels):
        return self.store.decide(levels)

    def pass_pause(self):
        self.clock.now += 1.0


def level(key="k", quota=FIVE, **more):
    return Level("p", quota, key, **more)


@pytest.fixture
def told():
    """Which signals were sent."""
    names = []

    def failed(**_):
        names.append("failed")

    def recovered(**_):
        names.append("recovered")

    store_failed.connect(failed)
    store_recovered.connect(recovered)
    yield names
    store_failed.disconnect(failed)
    store_recovered.disconnect(recovered)


def guess(url, results, started, halted):
    """Guess as often as a worker lets one: first together with the others, then alone."""
    kit = Kit(url, deadline=2)
    account = level("account")
    first = sum(kit.ask(account).is_allowed for _ in range(1))
    results.put(first)
    started.wait()
    halted.wait()
    results.put(sum(kit.ask(account).is_allowed for _ in range(20)))


class TestWhileRedisAnswers:
    def test_it_decides(self, own_redis):
        kit = Kit(own_redis.url, deadline=30)
        decisions = [kit.ask(level()) for _ in range(6)]
        assert [decision.is_allowed for decision in decisions] == [True] * 5 + [False]
        assert not any(decision.is_local for decision in decisions)
        assert kit.store.peek([level()]).results[0].remaining == 0
        assert len(kit.local) == 0


class TestWhenRedisIsHalted:
    def test_this_process_decides_within_the_same_request(self, own_redis, told):
        kit = Kit(own_redis.url)
        own_redis.halt()
        decisions = [kit.ask(level()) for _ in range(20)]
        assert all(decision.is_local for decision in decisions)
        assert [decision.is_allowed for decision in decisions] == [True] * 5 + [False] * 15
        assert told == ["failed"]

    def test_nobody_waits_for_it_again_until_the_pause_is_over(self, own_redis, told):
        kit = Kit(own_redis.url)
        own_redis.halt()
        for _ in range(FAILURES):
            kit.ask(level())
        assert kit.attempts == FAILURES
        for _ in range(200):
            kit.ask(level())
        assert kit.attempts == FAILURES
        kit.pass_pause()
        for _ in range(200):
            kit.ask(level())
        assert kit.attempts == FAILURES + 1

    def test_it_decides_again_when_it_goes_on(self, own_redis, told):
        kit = Kit(own_redis.url)
        own_redis.halt()
        for _ in range(10):
            kit.ask(level())
        own_redis.go_on()
        # The first try may meet a machine too busy for the deadline.
        for _ in range(100):
            kit.pass_pause()
            if not kit.ask(level("other")).is_local:
                break
        assert told == ["failed", "recovered"]


class TestWhenRedisIsGone:
    def test_requests_are_answered_when_it_is_killed_and_when_it_comes_back(self, own_redis, told):
        kit = Kit(own_redis.url, deadline=30)
        assert not kit.ask(level()).is_local
        own_redis.kill()
        assert [kit.ask(level()).is_local for _ in range(10)] == [True] * 10
        own_redis.start()
        kit.pass_pause()
        assert not kit.ask(level()).is_local
        assert told == ["failed", "recovered"]

    def test_who_was_never_there_is_missed_once(self, told):
        kit = Kit(NOWHERE)
        for _ in range(50):
            assert kit.ask(level()).is_local
            kit.pass_pause()
        assert told == ["failed"]

    def test_many_threads_try_it_no_more_often(self):
        kit = Kit(NOWHERE)
        for _ in range(FAILURES):
            kit.ask(level())
        kit.pass_pause()
        threads = [threading.Thread(target=kit.ask, args=(level(str(i)),)) for i in range(50)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert kit.attempts == FAILURES + 1

    def test_reset_says_so(self):
        kit = Kit(NOWHERE)
        for _ in range(6):
            kit.ask(level())
        with pytest.raises(StoreUnavailable):
            kit.store.reset(["k"])
        assert kit.ask(level()).is_allowed


class TestWhenRedisIsFlushed:
    @pytest.mark.fault
    def test_it_goes_on_counting_from_nothing(self, own_redis, told):
        kit = Kit(own_redis.url, deadline=30)
        with redis.Redis.from_url(own_redis.url) as client:
            for flush in (client.flushall, client.script_flush):
                kit.ask(level())
                flush()
                assert not kit.ask(level()).is_local
        assert told == []


class TestTakingOver:
    def test_begins_with_what_redis_said_last(self, own_redis):
        kit, other = Kit(own_redis.url, deadline=30), Kit(own_redis.url, deadline=30)
        for _ in range(3):
            other.ask(level())
        kit.ask(level())
        own_redis.kill()
        assert [kit.ask(level()).is_allowed for _ in range(4)] == [True, False, False, False]

    @pytest.mark.parametrize("algorithm", Algorithm)
    def test_refuses_whom_redis_refused(self, own_redis, algorithm):
        kit = Kit(own_redis.url, deadline=30)
        quota = Quota(algorithm, 5, LONG)
        while kit.ask(level(quota=quota)).is_allowed:
            pass
        own_redis.kill()
        assert not kit.ask(level(quota=quota)).is_allowed

    @pytest.mark.fault
    def test_lets_four_workers_allow_at_most_four_times_the_limit(self, own_redis):
        context = multiprocessing.get_context("spawn")
        results, started, halted = context.Queue(), context.Barrier(5), context.Event()
        workers = [context.Process(target=guess, args=(own_redis.url, results, started, halted)) for _ in range(4)]
        for worker in workers:
            worker.start()
        started.wait(timeout=120)
        own_redis.halt()
        halted.set()
        guesses = [results.get(timeout=120) for _ in range(8)]
        for worker in workers:
            worker.join()
        # Four passed while Redis counted, and each worker knows at least of its own.
        times = sum(guesses) / FIVE.limit
        fault_figures.keep("Redis is down, four workers", "guesses, of the limit", times, goal=4, unit="x")
        assert 4 + 4 <= sum(guesses) <= 4 * FIVE.limit


class TestWhatALevelChooses:
    def test_is_to_pass(self):
        allow = level(quota=Quota(Algorithm.FIXED_WINDOW, 1, LONG), on_store_failure=OnStoreFailure.ALLOW)
        kit = Kit(NOWHERE)
        assert [kit.ask(allow).is_allowed for _ in range(5)] == [True] * 5

    def test_is_to_be_refused_and_takes_nothing_from_the_others(self):
        deny = level("d", on_store_failure=OnStoreFailure.DENY)
        kit = Kit(NOWHERE)
        for _ in range(10):
            decision = kit.ask(level("other"), deny)
            assert (decision.is_allowed, decision.tightest.level) == (False, deny)
            assert decision.tightest.retry_after > 0
        assert kit.ask(level("other")).results[0].remaining == 4

    def test_refuses_nobody_in_shadow(self):
        deny = level("d", mode=Mode.SHADOW, on_store_failure=OnStoreFailure.DENY)
        decision = Kit(NOWHERE).ask(level(), deny)
        assert [verdict.is_allowed for verdict in decision.results] == [True, False]
        assert decision.is_allowed

    def test_is_told_in_the_order_of_the_levels(self):
        levels = [
            level(str(i), on_store_failure=choice) for i, choice in enumerate([*OnStoreFailure, OnStoreFailure.LOCAL])
        ]
        decision = Kit(NOWHERE).store.peek(levels)
        assert [verdict.level for verdict in decision.results] == levels
        assert decision.is_local


class TestAQuotaThatIsNone:
    def test_is_nobodys_failure(self, own_redis, told):
        kit = Kit(own_redis.url, deadline=30)
        for _ in range(FAILURES + 1):
            with pytest.raises(ValueError, match="lets nobody pass"):
                kit.ask(level(quota=Quota(Algorithm.FIXED_WINDOW, 0, 1.0)))
        assert not kit.ask(level()).is_local
        assert told == []


class TestRecentResults:
    def test_keeps_the_newest_keys_alone(self):
        last = RecentResults(most_keys=10)
        for number in range(100):
            last.add(LimitDecision((LevelResult(level(str(number)), True, 1, 1.0, 0.0),)))
            assert len(last._newer) + len(last._older) <= 22
        assert last.pop("99") is not None
        assert last.pop("99") is None
        assert last.pop("0") is None
