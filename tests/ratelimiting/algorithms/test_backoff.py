"""Doubling waits, as pure arithmetic."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.conf import DEFAULT_SIGN_IN_BACKOFF
from ratelimiting.algorithms.backoff import Backoff, FailureCount, charge, refund, remaining_failures, remaining_wait

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
RULE = Backoff(free=3, first=60, longest=480, forgiven_after=600)
rules = st.builds(
    lambda free, first, factor, forgiven: Backoff(free, first, first * factor, forgiven),
    st.integers(2, 12),
    st.integers(1, 600),
    st.integers(1, 40),
    st.integers(1, 7200),
)
gaps = st.lists(st.integers(0, 5000), min_size=1, max_size=60)


def checked(rule, moments):
    """Return when a guess was looked at, of guesses that are all wrong."""
    failures, found = None, []
    for moment in moments:
        now = NOW + timedelta(seconds=moment)
        after = charge(rule, failures, now=now)
        if after is not None:
            failures = after
            found.append(now)
    return found


def running(gaps):
    total, found = 0, []
    for gap in gaps:
        total += gap
        found.append(total)
    return found


class TestCharge:
    def test_lets_the_free_ones_pass_and_doubles_the_wait_after_them(self):
        failures, now, waits = None, NOW, []
        for _ in range(8):
            failures = charge(RULE, failures, now=now)
            wait = remaining_wait(failures, now=now)
            waits.append(wait.total_seconds() if wait else 0)
            now += wait or timedelta(0)
        assert waits == [0, 0, 60, 120, 240, 480, 480, 480]

    def test_refuses_until_the_wait_is_over(self):
        failures = None
        for _ in range(3):
            failures = charge(RULE, failures, now=NOW)
        assert charge(RULE, failures, now=NOW + timedelta(seconds=59.999)) is None
        assert charge(RULE, failures, now=NOW + timedelta(seconds=60)).count == 4

    @given(rule=rules, gaps=gaps)
    def test_never_waits_longer_than_the_longest_nor_counts_on(self, rule, gaps):
        failures = None
        for moment in running(gaps):
            now = NOW + timedelta(seconds=moment)
            failures = charge(rule, failures, now=now) or failures
            wait = remaining_wait(failures, now=now)
            assert wait is None or wait.total_seconds() <= rule.longest
            assert failures.count <= rule.most

    @given(rule=rules, gaps=gaps)
    def test_is_over_by_itself(self, rule, gaps):
        failures = None
        for moment in running(gaps):
            now = NOW + timedelta(seconds=moment)
            failures = charge(rule, failures, now=now) or failures
        later = now + timedelta(seconds=rule.longest + rule.most * rule.forgiven_after)
        assert charge(rule, failures, now=now + timedelta(seconds=rule.longest)) is not None
        assert remaining_failures(rule, failures, now=later) == 0

    @given(rule=rules, gaps=gaps)
    def test_leaves_at_least_the_wait_between_two_checks_beyond_the_free_ones(self, rule, gaps):
        failures = None
        for moment in running(gaps):
            now = NOW + timedelta(seconds=moment)
            before, after = failures, charge(rule, failures, now=now)
            if after is None:
                continue
            if before is not None and before.count >= rule.free:
                assert now - before.counted_at >= timedelta(seconds=rule.first)
            failures = after


class TestTheShippedRuleForStrangers:
    @given(st.lists(st.integers(0, 1500), min_size=40, max_size=120))
    def test_allows_eight_checks_in_any_hour_whenever_they_come(self, gaps):
        found = checked(DEFAULT_SIGN_IN_BACKOFF["account"], running(gaps))
        assert all(sum(start <= at < start + HOUR for at in found) <= 8 for start in found)

    def test_allows_eight_in_the_first_hour_and_about_one_an_hour_for_ever_after(self):
        found = checked(DEFAULT_SIGN_IN_BACKOFF["account"], range(0, 24 * 3600, 7))
        assert sum(at < NOW + HOUR for at in found) == 8
        assert len(found) <= 8 + 24


class TestGiveBack:
    @given(rule=rules, gaps=gaps)
    def test_undoes_a_charge(self, rule, gaps):
        failures = None
        for moment in running(gaps):
            now = NOW + timedelta(seconds=moment)
            after = charge(rule, failures, now=now)
            if after is None:
                continue
            back = refund(rule, after, charged_at=now)
            assert remaining_wait(back, now=now) is None
            assert back.count == min(remaining_failures(rule, failures, now=now), rule.most - 1)
            failures = after

    def test_keeps_the_wait_of_another_key(self):
        failures = FailureCount(5, NOW, NOW + timedelta(seconds=240))
        assert refund(RULE, failures, charged_at=NOW - HOUR).blocked_until == failures.blocked_until


class TestARule:
    @pytest.mark.parametrize("wrong", [(1, 60, 60, 60), (2, 0, 60, 60), (2, 60, 59, 60), (2, 60, 60, 0)])
    def test_must_make_sense(self, wrong):
        with pytest.raises(ValueError):
            Backoff(*wrong)
