"""Codes by time step: whatever the clocks do, a code is accepted once, and only near its time."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.factors import totp
from tests.factories.factors import hotp_code

pytestmark = pytest.mark.property
PERIOD = 30
# RFC 6238, appendix B, for SHA-1 and the key "12345678901234567890", cut to six digits.
KEY = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
VECTORS = {59: "287082", 1111111109: "081804", 1111111111: "050471", 1234567890: "005924", 2000000000: "279037"}
moments = st.integers(min_value=0, max_value=2**33)


def at(seconds):
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)


def code(step):
    return hotp_code(KEY, step)


class TestMatchingStep:
    @pytest.mark.parametrize(("seconds", "expected"), VECTORS.items())
    def test_agrees_with_the_standard(self, seconds, expected):
        assert totp.matching_step(secret=KEY, code=expected, at=at(seconds)) == seconds // PERIOD

    @given(moments, st.integers(min_value=-1, max_value=1))
    def test_finds_the_step_of_a_code_of_now_or_one_step_away(self, seconds, away):
        step = max(0, seconds // PERIOD + away)

        found = totp.matching_step(secret=KEY, code=code(step), at=at(seconds))

        assert found is not None
        assert code(found) == code(step)
        assert abs(found - seconds // PERIOD) <= 1

    @given(moments, st.integers(min_value=2, max_value=10**6), st.sampled_from([-1, 1]))
    def test_finds_none_further_away(self, seconds, away, side):
        present = seconds // PERIOD
        step = present + side * away
        near = {code(max(0, present + steps)) for steps in (-1, 0, 1)}
        if step >= 0 and code(step) not in near:
            assert totp.matching_step(secret=KEY, code=code(step), at=at(seconds)) is None

    @given(st.text(max_size=64), moments)
    def test_takes_any_text(self, text, seconds):
        found = totp.matching_step(secret=KEY, code=text, at=at(seconds))
        if found is not None:
            assert abs(found - seconds // PERIOD) <= 1

    @given(st.lists(st.tuples(st.integers(0, 3), st.integers(-2, 2)), min_size=1, max_size=40))
    def test_lets_no_code_pass_twice_whatever_the_clocks_do(self, tries):
        """Each try is so many steps after the one before, with a code that is so many steps off."""
        last, present, used = -1, 50_000_000, []
        for waited, off in tries:
            present += waited
            found = totp.matching_step(secret=KEY, code=code(present + off), at=at(present * PERIOD))
            # What the conditional statement does.
            if found is not None and found > last:
                last = found
                used.append(found)

        assert used == sorted(set(used))
