import multiprocessing
import threading
from datetime import UTC, datetime, timedelta

import pytest
import redis

from ratelimiting.stores.protocol import StoreUnavailable
from ratelimiting.stores.redis import SCRIPT_SHA1, RedisStore
from ratelimiting.types import Algorithm, Level, Mode, Quota

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
HOUR = 3600.0
LONG = 30 * 86_400.0  # seconds: such a window hardly ever ends while a test runs by the server's clock
LEVELS = [Level(f"p{i}", Quota(list(Algorithm)[i % 3], 100 + 50 * i, LONG), f"k{i}") for i in range(4)]


def visit(url, prefix, times, results, started):
    """Ask from a process of its own."""
    store = RedisStore(url, deadline=30, prefix=prefix)
    started.wait()
    results.put(sum(store.decide(LEVELS).is_allowed for _ in range(times)))


@pytest.fixture
def raw(redis_url):
    with redis.Redis.from_url(redis_url) as client:
        yield client


class TestDecide:
    def test_takes_one_round_trip_for_all_levels(self, own_redis):
        store = RedisStore(own_redis.url, deadline=30)
        store.decide(LEVELS)
        with redis.Redis.from_url(own_redis.url) as client:
            client.config_resetstat()
            store.decide(LEVELS)
            calls = client.info("commandstats")
        assert calls["cmdstat_evalsha"]["calls"] == 1
        inside = {name.removeprefix("cmdstat_"): calls[name]["calls"] for name in calls}
        assert (inside["time"], inside["mget"]) == (1, 1)
        assert inside.get("psetex", 0) + inside["setrange"] == len(LEVELS)
        assert set(inside) <= {"config", "evalsha", "time", "mget", "psetex", "setrange"}

    def test_says_the_same_by_the_servers_clock(self, shared):
        seconds = Level("p", Quota(Algorithm.TOKEN_BUCKET, 2, HOUR), "k")
        answers = [shared.decide([seconds]).results[0] for _ in range(3)]
        assert [answer.is_allowed for answer in answers] == [True, True, False]
        assert 1700 < answers[2].retry_after <= 1800

    def test_lets_its_keys_expire_by_themselves(self, shared, raw, prefix):
        for algorithm, most in (("token_bucket", 12), ("fixed_window", 15), ("sliding_window", 25)):
            shared.decide([Level("p", Quota(Algorithm(algorithm), 10, 10.0), algorithm)])
            milliseconds = raw.pttl(prefix + algorithm)
            assert 5000 < milliseconds <= most * 1000 + 1

    @pytest.mark.parametrize("algorithm", Algorithm)
    def test_lets_no_key_expire_before_what_it_counts(self, shared, raw, prefix, algorithm):
        """Though most charges leave the expiry as it is."""
        for limit, window in ((10, 10.0), (20, 10.0), (20, 1000.0), (5, 1.0), (5, 3600.0)):  # one key, edited
            level = Level("p", Quota(algorithm, limit, window), "edited")
            for _ in range(4):
                verdict = shared.decide([level]).results[0]
                lives = raw.pttl(f"{prefix}edited") / 1000
                assert not verdict.is_allowed or verdict.reset_after < lives, (limit, window)

    def test_extends_the_life_of_a_bucket_after_five_seconds(self, own_redis):
        """A bucket that fills faster than it is used would otherwise be extended by each request."""
        store = RedisStore(own_redis.url, deadline=30, prefix="{t}:")
        level = Level("p", Quota(Algorithm.TOKEN_BUCKET, 1000, 10.0), "k")
        with redis.Redis.from_url(own_redis.url) as client:
            extended = []
            for tenths in range(120):
                client.config_resetstat()
                store.decide_at([level], now=NOW + tenths * timedelta(seconds=0.1))
                if "cmdstat_psetex" in client.info("commandstats"):
                    extended.append(tenths)
                    client.persist("{t}:k")  # however long this takes
        assert extended == [0, 51, 102]

    def test_keeps_a_state_in_33_bytes_under_one_hash_tag(self, shared, raw, prefix):
        for _ in range(2):
            shared.decide(LEVELS)
            assert [raw.strlen(f"{prefix}k{i}") for i in range(4)] == [33] * 4
        assert prefix.startswith("{")

    def test_takes_any_text_for_a_key(self, shared):
        for key in ("", "a b", "\x00\n", "\ud800", "ü" * 1000, "}{", "'"):
            assert shared.decide([Level("p", LEVELS[0].quota, key)]).results[0].remaining == 99, key
        assert shared.reset(["\ud800"]) == 1

    def test_decides_about_nothing(self, shared):
        assert shared.decide([]).is_allowed

    def test_is_not_confused_by_what_is_no_state_of_ours(self, shared, raw, prefix):
        for garbage in ("garbage", b"\xff" * 33):
            raw.set(f"{prefix}k0", garbage, ex=60)
            assert shared.decide(LEVELS[:1]).results[0].remaining == 99, garbage
            assert raw.pttl(f"{prefix}k0") > 65_000

    def test_charges_none_when_one_refuses(self, shared):
        full = Level("full", Quota(Algorithm.FIXED_WINDOW, 1, HOUR), "full")
        assert shared.decide_at([*LEVELS, full], now=NOW).is_allowed
        for _ in range(5):
            assert not shared.decide_at([*LEVELS, full], now=NOW).is_allowed
        left = [verdict.remaining for verdict in shared.peek_at(LEVELS, now=NOW).results]
        assert left == [99, 149, 199, 249]

    def test_does_not_charge_a_level_in_shadow_that_is_full(self, shared):
        shadow = Level("s", Quota(Algorithm.FIXED_WINDOW, 1, HOUR), "s", mode=Mode.SHADOW)
        answers = [shared.decide_at([LEVELS[0], shadow], now=NOW) for _ in range(3)]
        assert [answer.is_allowed for answer in answers] == [True] * 3
        assert [answer.results[1].is_allowed for answer in answers] == [True, False, False]
        assert answers[2].results[0].remaining == 97


class TestManyAtOnce:
    def test_threads_hold_the_limit_exactly(self, shared):
        passed, started = [], threading.Barrier(100)

        def visits():
            started.wait()
            passed.extend(shared.decide(LEVELS).is_allowed for _ in range(3))

        threads = [threading.Thread(target=visits) for _ in range(100)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert (len(passed), sum(passed)) == (300, 100)
        assert [v.remaining for v in shared.peek(LEVELS).results] == [0, 50, 100, 150]

    @pytest.mark.process
    def test_processes_hold_the_limit_exactly(self, redis_url, prefix, shared):
        context = multiprocessing.get_context("spawn")
        results, started = context.Queue(), context.Barrier(4)
        workers = [context.Process(target=visit, args=(redis_url, prefix, 60, results, started)) for _ in range(4)]
        for worker in workers:
            worker.start()
        passed = [results.get(timeout=120) for _ in workers]
        for worker in workers:
            worker.join()
        assert sum(passed) == 100
        assert [v.remaining for v in shared.peek(LEVELS).results] == [0, 50, 100, 150]

    def test_a_forked_child_does_not_speak_over_its_parents_connection(self, shared):
        shared.decide(LEVELS)
        inherited = shared.connections._idle[0][0]
        shared.connections._process -= 1
        shared.decide(LEVELS)
        assert shared.connections._idle[0][0] is not inherited


class TestTheScript:
    def test_is_sent_again_when_the_server_forgot_it(self, own_redis):
        store = RedisStore(own_redis.url, deadline=30)
        store.decide_at(LEVELS, now=NOW)
        with redis.Redis.from_url(own_redis.url) as client:
            client.script_flush()
            assert store.decide_at(LEVELS, now=NOW).results[0].remaining == 98
            assert client.script_exists(SCRIPT_SHA1) == [True]

    def test_serves_a_server_that_was_started_anew(self, own_redis):
        store = RedisStore(own_redis.url, deadline=30)
        store.decide_at(LEVELS, now=NOW)
        own_redis.kill()
        with pytest.raises(StoreUnavailable):
            store.decide_at(LEVELS, now=NOW)
        own_redis.start()
        assert store.decide_at(LEVELS, now=NOW).results[0].remaining == 99


class TestAServerThatCannotServe:
    def test_makes_one_kind_of_error(self, own_redis):
        store = RedisStore(own_redis.url, deadline=30)
        store.decide(LEVELS)
        with redis.Redis.from_url(own_redis.url) as client:
            client.replicaof("127.0.0.1", 1)
            with pytest.raises(StoreUnavailable):
                store.decide(LEVELS)
            client.replicaof("NO", "ONE")
            client.config_set("maxmemory", 1)
            with pytest.raises(StoreUnavailable):
                store.decide(LEVELS)
            client.config_set("maxmemory", 0)
        assert store.decide(LEVELS).is_allowed

    def test_says_nothing_of_the_password(self, own_redis):
        url = own_redis.url.replace("redis://:", "redis://:wrong-")
        with pytest.raises(StoreUnavailable) as refused:
            RedisStore(url, deadline=30).decide(LEVELS)
        assert "wrong" not in str(refused.value)
