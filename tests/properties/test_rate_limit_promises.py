"""What each algorithm promises, and what all levels of a request promise together."""

from datetime import UTC, datetime, timedelta
from fractions import Fraction

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from ratelimiting.errors import PolicyInvalid
from ratelimiting.policy_schema import LARGEST_LIMIT, LONGEST_WINDOW_SECONDS, parse_policy
from ratelimiting.stores.memory import MemoryStore
from ratelimiting.types import Algorithm, Level, Mode, Quota

pytestmark = pytest.mark.property

START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
BUDGET = settings(suppress_health_check=list(HealthCheck))

sizes = st.integers(1, 12)
windows = st.sampled_from([0.25, 1.0, 7.0, 60.0, 86_400.0])
arrivals = st.lists(
    st.tuples(st.floats(0, 1.2) | st.floats(0, 0.05), st.integers(1, 3)), min_size=5, max_size=60
)  # shares of the window since the last request, and costs


def passed(quota, arrivals):
    """Return when something passed, in microseconds, and how much."""
    store, moment, found = MemoryStore(), START, []
    for share, cost in arrivals:
        moment += timedelta(seconds=share * quota.window)
        if store.decide_at([Level("p", quota, "k", cost=cost)], now=moment).is_allowed:
            found.append(((moment - EPOCH) // MICROSECOND, cost))
    return found


class TestATokenBucket:
    @BUDGET
    @given(limit=sizes, window=windows, burst=sizes, arrivals=arrivals)
    def test_never_lets_more_pass_than_the_burst_and_what_flowed_in(self, limit, window, burst, arrivals):
        found = passed(Quota(Algorithm.TOKEN_BUCKET, limit, window, burst), arrivals)
        rate = Fraction(limit, round(window * 1e6))
        for first, (since, _) in enumerate(found):
            total = 0
            for until, cost in found[first:]:
                total += cost
                assert total <= burst + rate * (until - since)


class TestAWindow:
    @BUDGET
    @given(
        algorithm=st.sampled_from([Algorithm.FIXED_WINDOW, Algorithm.SLIDING_WINDOW]),
        limit=sizes,
        window=windows,
        arrivals=arrivals,
    )
    def test_never_holds_more_than_the_limit(self, algorithm, limit, window, arrivals):
        counts = {}
        for moment, cost in passed(Quota(algorithm, limit, window), arrivals):
            number = moment // round(window * 1e6)
            counts[number] = counts.get(number, 0) + cost
        assert all(count <= limit for count in counts.values())


class TestASlidingWindow:
    @BUDGET
    @given(limit=sizes, window=windows, arrivals=arrivals)
    def test_lets_no_burst_follow_a_full_window(self, limit, window, arrivals):
        length, counts = round(window * 1e6), {}
        for moment, cost in passed(Quota(Algorithm.SLIDING_WINDOW, limit, window), arrivals):
            number = moment // length
            counts[number] = counts.get(number, 0) + cost
            still = 1 - Fraction(moment % length, length)
            assert counts[number] + counts.get(number - 1, 0) * still <= limit


quotas = st.builds(Quota, algorithm=st.sampled_from(Algorithm), limit=sizes, window=windows, burst=st.none() | sizes)


@st.composite
def refused(draw):
    """Use up one to four levels until a request is refused; give the store, the request and the moment."""
    known = draw(st.lists(quotas, min_size=1, max_size=4))
    modes = draw(st.lists(st.sampled_from([Mode.ENFORCE, Mode.SHADOW]), min_size=4, max_size=4))
    levels = [Level(f"p{i}", quota, f"k{i}", mode=modes[i]) for i, quota in enumerate(known)]
    assume(any(level.mode is Mode.ENFORCE for level in levels))
    store, moment = MemoryStore(), START + timedelta(seconds=draw(st.floats(0, 100_000)))
    while store.decide_at(levels, now=moment).is_allowed:
        moment += timedelta(seconds=draw(st.sampled_from([0, 0, 0, 0.01])))
    # The one that is refused comes a little later, in a backwards step too.
    return store, levels, moment + timedelta(seconds=draw(st.sampled_from([0, 0.001, 0.1, -0.05])))


def numbers(decision):
    return [(v.is_allowed, v.remaining, v.reset_after, v.retry_after) for v in decision.results]


class TestARefusedRequest:
    @BUDGET
    @given(refused=refused())
    def test_takes_nothing_from_any_level(self, refused):
        store, levels, moment = refused
        before = numbers(store.peek_at(levels, now=moment))
        decision = store.decide_at(levels, now=moment)
        assume(not decision.is_allowed)
        assert numbers(store.peek_at(levels, now=moment)) == before

    @BUDGET
    @given(refused=refused())
    def test_passes_after_the_time_to_wait_and_not_before(self, refused):
        store, levels, moment = refused
        decision = store.decide_at(levels, now=moment)
        assume(not decision.is_allowed)
        again = moment + timedelta(microseconds=round(decision.tightest.retry_after * 1e6))
        assert not store.peek_at(levels, now=again - MICROSECOND).is_allowed
        assert store.decide_at(levels, now=again).is_allowed


class TestALevelInShadow:
    @BUDGET
    @given(quota=quotas, other=quotas, arrivals=arrivals)
    def test_changes_nothing_for_those_that_are_enforced(self, quota, other, arrivals):
        alone, accompanied, moment = MemoryStore(), MemoryStore(), START
        for share, cost in arrivals:
            moment += timedelta(seconds=share * quota.window)
            level = Level("p", quota, "k", cost=cost)
            shadow = Level("s", other, "s", mode=Mode.SHADOW, cost=cost)
            expected = numbers(alone.decide_at([level], now=moment))
            decision = accompanied.decide_at([level, shadow], now=moment)
            assert numbers(decision)[:1] == expected
            assert decision.is_allowed == expected[0][0]

    @BUDGET
    @given(quota=quotas, arrivals=arrivals)
    def test_says_what_it_would_say_if_it_were_enforced(self, quota, arrivals):
        enforced, shadow, moment = MemoryStore(), MemoryStore(), START
        for share, cost in arrivals:
            moment += timedelta(seconds=share * quota.window)
            for_real = enforced.decide_at([Level("p", quota, "k", cost=cost)], now=moment)
            decision = shadow.decide_at([Level("p", quota, "k", mode=Mode.SHADOW, cost=cost)], now=moment)
            assert numbers(decision) == numbers(for_real)
            assert decision.is_allowed


class TestAPolicy:
    @BUDGET
    @given(
        algorithm=st.sampled_from(Algorithm),
        limit=st.integers(1, LARGEST_LIMIT) | st.integers(1, 10),
        window=st.integers(1, LONGEST_WINDOW_SECONDS),
        burst=st.none() | st.integers(1, LARGEST_LIMIT),
        cost=st.integers(1, LARGEST_LIMIT) | st.just(1),
    )
    def test_that_is_accepted_can_be_counted(self, algorithm, limit, window, burst, cost):
        """A mistake is told to who writes the policy, never to who makes the requests."""
        written = {
            "name": "some",
            "algorithm": str(algorithm),
            "limit": limit,
            "window": window,
            "burst": burst,
            "cost": cost,
            "scope": ["ip"],
        }
        try:
            policy = parse_policy(written)
        except PolicyInvalid:
            return
        verdict = MemoryStore().decide([Level("some", policy.quota, "k", cost=policy.cost)]).results[0]
        assert verdict.is_allowed
        assert 0 <= verdict.remaining < (burst or limit)
