"""One sequence of requests, one answer: on paper, in this process and in Redis."""

import os
import time
import uuid
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from ratelimiting.stores.memory import MemoryStore
from ratelimiting.stores.redis import RedisStore
from ratelimiting.types import Algorithm, Level, Mode, Quota
from tests.budgets import examples
from tests.properties.plain_limits import PlainLimits

pytestmark = pytest.mark.property

START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
# Redis deletes keys by its own clock, at the earliest five seconds after the first charge (GRACE in decide.lua).
# A machine that stands still for so long says nothing about the store.
KEYS_LIVE_SECONDS = 4
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
PLAIN = settings(max_examples=examples(0.8), suppress_health_check=list(HealthCheck))

windows = st.sampled_from([0.25, 1.0, 7.0, 60.0, 3600.0, 86_400.0]) | st.floats(0.1, 1000.0)
quotas = st.builds(
    Quota,
    algorithm=st.sampled_from(Algorithm),
    limit=st.integers(1, 12) | st.sampled_from([97, 1000, 9_973]),
    window=windows,
    burst=st.none() | st.integers(1, 20),
)
# Mostly forwards: by nothing, by a moment, past windows; and backwards, also farther than any window.
forward = st.just(0.0) | st.floats(0, 0.3) | st.floats(0, 100.0) | st.floats(0, 200_000.0)
steps = forward | st.floats(-2.0, 0) | st.floats(-90_000.0, 0)
costs = st.integers(1, 3) | st.sampled_from([0, 7, 1_000_000])
modes = st.sampled_from([Mode.ENFORCE, Mode.ENFORCE, Mode.SHADOW])


@st.composite
def requests(draw):
    """Some quotas, and requests that fall under some of them at some moments, charged or only looked at."""
    known = draw(st.lists(quotas, min_size=1, max_size=4))
    moment, found = START, []
    for _ in range(draw(st.integers(1, 25))):
        moment += timedelta(seconds=draw(steps))
        chosen = draw(st.lists(st.sampled_from(range(len(known))), min_size=1, max_size=4, unique=True))
        levels = [Level(f"p{i}", known[i], f"k{i}", mode=draw(modes), cost=draw(costs)) for i in chosen]
        found.append((levels, moment, draw(st.sampled_from([True, True, True, False]))))
    return found


def answer(store, levels, moment, *, is_charged=True):
    decision = (store.decide_at if is_charged else store.peek_at)(levels, now=moment)
    assert [verdict.level for verdict in decision.results] == levels
    return [
        (v.is_allowed, v.remaining, round(v.reset_after * 1e6), round(v.retry_after * 1e6)) for v in decision.results
    ]


def on_paper(plain, levels, moment, *, is_charged=True):
    return plain.decide(levels, (moment - EPOCH) // MICROSECOND, is_charged=is_charged)


@pytest.fixture(scope="module")
def redis_url():
    url = os.environ.get("REDIS_URL")
    if not url:
        pytest.skip("needs a Redis: make test starts one")
    return url


@pytest.fixture(scope="module")
def shared(redis_url):
    """A store that waits: a busy machine is not what is tested here."""
    store = RedisStore(redis_url, deadline=30)
    yield store
    store.close()


class TestAStore:
    @PLAIN
    @given(sequence=requests())
    def test_says_what_one_would_say_on_paper(self, shared, sequence):
        plain, memory, began = PlainLimits(), MemoryStore(), time.monotonic()
        shared._prefix = f"{{rl-{uuid.uuid4()}}}:".encode()
        for levels, moment, is_charged in sequence:
            expected = on_paper(plain, levels, moment, is_charged=is_charged)
            for store in (memory, shared):
                found = answer(store, levels, moment, is_charged=is_charged)
                assume(time.monotonic() - began < KEYS_LIVE_SECONDS)
                assert found == expected, store

    @settings(PLAIN, max_examples=examples(0.3))
    @given(
        algorithm=st.sampled_from(Algorithm),
        limit=st.sampled_from([99_991, 999_983, 50_000_017]),
        arrivals=st.lists(st.tuples(forward, st.sampled_from([1, 7, 99_990])), min_size=1, max_size=20),
    )
    def test_says_the_same_elsewhere_of_a_quota_too_fine_to_count_exactly(self, shared, algorithm, limit, arrivals):
        memory, moment = MemoryStore(), START
        shared._prefix = f"{{rl-{uuid.uuid4()}}}:".encode()
        quota = Quota(algorithm, limit, 86_400.0)
        for seconds, cost in arrivals:
            moment += timedelta(seconds=seconds)
            levels = [Level("p", quota, "k", cost=cost)]
            assert answer(shared, levels, moment) == answer(memory, levels, moment)
