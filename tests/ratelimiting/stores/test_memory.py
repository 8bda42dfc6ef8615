import sys
import threading
from datetime import UTC, datetime, timedelta

from ratelimiting.stores.memory import MemoryStore, process_clock
from ratelimiting.types import Algorithm, Level, LevelResult, Quota

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
TEN = Quota(Algorithm.FIXED_WINDOW, 10, 60.0)
LONG = Quota(Algorithm.SLIDING_WINDOW, 5, 86_400.0)
SHORT = Quota(Algorithm.TOKEN_BUCKET, 5, 1.0)


def take(store, key, quota=TEN, **more):
    decide = store.decide_at if more else store.decide
    return decide([Level("p", quota, key)], **more).results[0]


class TestDecide:
    def test_counts_by_a_clock_of_its_own(self):
        store = MemoryStore()
        assert [take(store, "a", SHORT).is_allowed for _ in range(5)] == [True] * 5
        refused = take(store, "a", SHORT)
        assert not refused.is_allowed
        assert 0 < refused.retry_after <= 0.2

    def test_starts_anew_when_the_algorithm_of_a_policy_changes(self):
        store = MemoryStore()
        for _ in range(10):
            take(store, "a", now=NOW)
        assert not take(store, "a", now=NOW).is_allowed
        assert take(store, "a", Quota(Algorithm.SLIDING_WINDOW, 10, 60.0), now=NOW).is_allowed

    def test_goes_on_counting_when_a_bucket_is_given_another_size(self):
        store = MemoryStore()
        for _ in range(6):
            take(store, "a", Quota(Algorithm.TOKEN_BUCKET, 10, 60.0), now=NOW)
        wider = take(store, "a", Quota(Algorithm.TOKEN_BUCKET, 20, 7.0), now=NOW)
        assert wider.remaining == 20 - 6 - 1
        assert not take(store, "a", Quota(Algorithm.TOKEN_BUCKET, 3, 60.0), now=NOW).is_allowed

    def test_holds_a_limit_exactly_among_threads(self):
        store, passed = MemoryStore(), []
        levels = [Level("p", Quota(Algorithm(a), 100, 3600.0), a) for a in ("token_bucket", "sliding_window")]
        started = threading.Barrier(100)

        def visit():
            started.wait()
            passed.extend(store.decide_at(levels, now=NOW).is_allowed for _ in range(3))

        interval = sys.getswitchinterval()
        sys.setswitchinterval(1e-6)
        try:
            threads = [threading.Thread(target=visit) for _ in range(100)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        finally:
            sys.setswitchinterval(interval)
        assert (len(passed), sum(passed)) == (300, 100)


class TestPeek:
    def test_charges_nothing(self):
        store = MemoryStore()
        for _ in range(3):
            assert store.peek_at([Level("p", TEN, "a")], now=NOW).results[0].remaining == 10
        assert len(store) == 0


class TestReset:
    def test_deletes_counts_and_returns_their_number(self):
        store = MemoryStore()
        for key in ("a", "b"):
            take(store, key, now=NOW)
        assert store.reset(["a", "b", "c"]) == 2
        assert store.reset(["a"]) == 0
        assert take(store, "a", now=NOW).remaining == 9


class TestItsRoom:
    def test_is_bounded_under_a_flood_of_keys(self):
        store = MemoryStore(most_keys=50)
        for number in range(1000):
            take(store, f"k{number}", SHORT)
        assert len(store) == len(store._queue) == 50

    def test_is_made_by_what_would_expire_soonest(self):
        store = MemoryStore(most_keys=50)
        for _ in range(5):
            take(store, "account", LONG)
        for number in range(1000):
            take(store, f"k{number}", SHORT)
        assert not take(store, "account", LONG).is_allowed

    def test_holds_though_every_entry_was_prolonged(self):
        store = MemoryStore(most_keys=50)
        for _ in range(2):
            for number in range(50):
                take(store, f"k{number}", TEN)
        take(store, "one more", TEN)
        assert len(store) == len(store._queue) == 50

    def test_is_given_back_when_entries_expire(self, monkeypatch):
        seconds = [1000.0]
        monkeypatch.setattr("ratelimiting.stores.memory.time.monotonic", lambda: seconds[0])
        store = MemoryStore()
        for number in range(20):
            take(store, f"k{number}", SHORT, now=NOW)
        seconds[0] += 60
        for number in range(5):
            take(store, f"later{number}", SHORT, now=NOW + timedelta(seconds=60))
        assert len(store) == len(store._queue) == 5


class TestLearn:
    def verdict(self, quota, remaining, reset_after):
        return LevelResult(Level("p", quota, "a"), True, remaining, reset_after, 0.0)

    def test_takes_over_what_another_store_said(self):
        for quota in (TEN, Quota(Algorithm.SLIDING_WINDOW, 10, 3600.0), Quota(Algorithm.TOKEN_BUCKET, 10, 3600.0)):
            store = MemoryStore()
            reset = 7 * 360.0
            store.adopt(self.verdict(quota, 3, reset), decided_at=process_clock())
            assert [take(store, "a", quota).is_allowed for _ in range(4)] == [True] * 3 + [False], quota

    def test_keeps_what_is_stricter(self):
        store = MemoryStore()
        for _ in range(9):
            take(store, "a", LONG)
        store.adopt(self.verdict(LONG, 4, 100.0), decided_at=process_clock())
        assert not take(store, "a", LONG).is_allowed

    def test_leaves_out_what_is_over(self):
        store = MemoryStore()
        store.adopt(self.verdict(SHORT, 0, 1.0), decided_at=process_clock() - 5_000_000)
        assert len(store) == 0
