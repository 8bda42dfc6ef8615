from datetime import timedelta

import pytest

from accounts.errors import AttemptsExhausted
from accounts.models import FactorAttempts
from accounts.services import lockouts
from tests.factories.accounts import UserFactory

pytestmark = pytest.mark.django_db
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def user():
    return UserFactory()


@pytest.fixture
def fail(user):
    """Make so many tries at a moment; return what the last one says."""

    def tries(count, now, factor="totp"):
        return [lockouts.claim(user_id=user.pk, factor=factor, now=now) for _ in range(count)][-1]

    return tries


class TestClaim:
    def test_lets_five_tries_be_looked_at_and_says_which_is_the_last(self, fail, now):
        assert fail(4, now).locked_until is None

        assert fail(1, now).locked_until == now + 15 * MINUTE

        with pytest.raises(AttemptsExhausted) as caught:
            fail(1, now + MINUTE)
        assert caught.value.retry_after == 14 * 60

    def test_counts_each_factor_and_each_person_apart(self, fail, now):
        fail(5, now)

        assert fail(1, now, factor="webauthn").locked_until is None
        assert lockouts.claim(user_id=UserFactory().pk, factor="totp", now=now).locked_until is None

    def test_does_not_count_what_it_refuses(self, fail, now):
        fail(5, now)
        for _ in range(50):
            with pytest.raises(AttemptsExhausted):
                fail(1, now)

        assert fail(4, now + 15 * MINUTE).locked_until is None

    def test_doubles_the_lock_up_to_a_day(self, fail, now):
        locks = []
        for _ in range(10):
            until = fail(5, now).locked_until
            locks.append(until - now)
            now = until

        assert locks == [15 * MINUTE * 2**number for number in range(7)] + [DAY] * 3

    def test_begins_with_a_short_lock_again_after_a_quiet_week(self, fail, now):
        until = fail(5, fail(5, now).locked_until).locked_until
        later = until + 7 * DAY + MINUTE

        assert fail(5, later).locked_until == later + 15 * MINUTE

    def test_forgets_failures_after_a_day(self, fail, now):
        fail(4, now)

        assert fail(4, now + DAY).locked_until is None

    def test_counts_slow_guessing(self, fail, now):
        for hours in range(4):
            fail(1, now + hours * HOUR)

        assert fail(1, now + 5 * HOUR).locked_until


class TestForgive:
    def test_starts_the_count_anew(self, user, fail, now):
        fail(4, now)

        lockouts.forgive(user_id=user.pk, factor="totp")

        assert fail(4, now).locked_until is None

    def test_takes_the_lock_back_that_the_last_try_would_have_made(self, user, fail, now):
        fail(5, now)

        lockouts.forgive(user_id=user.pk, factor="totp")

        assert fail(1, now).locked_until is None
        assert FactorAttempts.objects.get().locks == 0
