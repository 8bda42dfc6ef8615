import random
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from accounts.conf import DEFAULT_SIGN_IN_BACKOFF
from accounts.errors import AttemptsExhausted
from accounts.factors.totp import TOLERANCE
from accounts.models import SignInFailures
from accounts.models.passwords import AttemptPool
from accounts.services.factors import lockouts
from accounts.services.factors.lockouts import AttemptSource
from ratelimiting.algorithms import backoff
from tests.factories.accounts import UserFactory

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
START = datetime(2026, 3, 1, tzinfo=UTC)
HERE = AttemptSource(network="203.0.113.7")


def elsewhere(number):
    return AttemptSource(network=f"198.51.100.{number}")


@pytest.fixture
def user(db):
    return UserFactory()


@pytest.fixture
def fail(user):
    """Make so many tries at a moment; return what the last one says."""

    def tries(count, now, factor="totp", source=HERE):
        return [lockouts.charge(user_id=user.pk, method=factor, source=source, now=now) for _ in range(count)][-1]

    return tries


class TestClaim:
    @pytest.mark.parametrize("source", [HERE, AttemptSource(device=b"d" * 16), AttemptSource(session_id=uuid4())])
    def test_allows_five_attempts_and_marks_the_last_one(self, fail, now, source):
        assert fail(4, now, source=source).locked_until is None

        assert fail(1, now, source=source).locked_until == now + 15 * MINUTE

        with pytest.raises(AttemptsExhausted) as caught:
            fail(1, now + MINUTE, source=source)
        assert caught.value.retry_after in (14 * 60, 14 * 60 + 1)

    def test_counts_each_factor_and_each_person_apart(self, fail, now):
        fail(5, now)

        assert fail(1, now, factor="webauthn").locked_until is None
        other = UserFactory()
        assert lockouts.charge(user_id=other.pk, method="totp", source=HERE, now=now).locked_until is None

    def test_counts_networks_devices_and_sessions_apart(self, fail, now):
        fail(5, now)

        for source in (elsewhere(1), AttemptSource(device=b"d" * 16), AttemptSource(session_id=uuid4())):
            assert fail(4, now, source=source).locked_until is None

    @pytest.mark.parametrize("factor", ["recovery_code", "webauthn"])
    def test_never_locks_factors_that_can_not_be_guessed(self, fail, now, factor):
        for number in range(30):
            fail(5, now, factor=factor, source=elsewhere(number))

        assert fail(1, now, factor=factor)

    def test_allows_twenty_codes_of_all_unknown_clients_together(self, fail, now):
        for number in range(5):
            fail(4, now, source=elsewhere(number))

        with pytest.raises(AttemptsExhausted) as caught:
            fail(1, now, source=elsewhere(6))
        assert caught.value.retry_after in (3600, 3601)
        assert fail(4, now, source=AttemptSource(device=b"d" * 16))

    @pytest.mark.attack("ASVS 5.0, 6.3.1")
    def test_lets_one_network_alone_not_lock_the_others(self, fail, now):
        for minutes in range(0, 3 * 24 * 60, 5):
            for _ in range(6):
                try:
                    fail(1, now + minutes * MINUTE)
                except AttemptsExhausted:
                    break
            if minutes % 180 == 0:
                attempt = fail(1, now + minutes * MINUTE, source=elsewhere(1))
                lockouts.refund(attempt=attempt)

    def test_does_not_count_what_it_refuses(self, fail, now):
        fail(5, now)
        before = list(SignInFailures.objects.order_by("key").values())
        for _ in range(50):
            with pytest.raises(AttemptsExhausted):
                fail(1, now)

        assert list(SignInFailures.objects.order_by("key").values()) == before

    def test_doubles_the_lock_up_to_a_day(self, fail, now):
        locks = []
        now = fail(5, now).locked_until
        for _ in range(9):
            fail(1, now)
            until = SignInFailures.objects.get(pool=AttemptPool.FACTOR_NETWORK).blocked_until
            locks.append(until - now)
            now = until

        assert locks == [15 * MINUTE * 2**number for number in range(1, 7)] + [DAY] * 3


class TestForgive:
    @pytest.mark.parametrize("source", [AttemptSource(device=b"d" * 16), AttemptSource(session_id=uuid4())])
    def test_starts_the_count_of_a_device_and_a_session_anew(self, fail, now, source):
        lockouts.refund(attempt=fail(5, now, source=source))

        assert fail(4, now, source=source).locked_until is None

    def test_refunds_attempts_of_unknown_clients(self, fail, now):
        lockouts.refund(attempt=fail(5, now))

        assert fail(1, now).locked_until == now + 15 * MINUTE


@pytest.mark.property
@pytest.mark.attack("NIST SP 800-63B-4, 3.2.2", "ASVS 5.0, 6.3.1")
@pytest.mark.slow
class TestTheBound:
    """How many codes all unknown clients together can try: docs/abuse-prevention.md."""

    MOST_A_DAY = 35

    @staticmethod
    def looks(gaps):
        """Return the moments, in seconds, at which a code was looked at by who tries after each of these gaps."""
        rule, failures, at, looked_at = DEFAULT_SIGN_IN_BACKOFF["factor"], None, START, []
        for gap in gaps:
            at += timedelta(seconds=gap)
            charged = backoff.charge(rule, failures, now=at)
            if charged is not None:
                failures = charged
                looked_at.append((at - START).total_seconds())
        return looked_at

    @pytest.mark.parametrize("seed", range(40))
    def test_holds_for_the_greedy_the_patient_and_the_random(self, seed):
        chance = random.Random(seed)
        burst = chance.randrange(26)
        pause = [60, 600, 3600, 7201, 2 * 7201, 12 * 3600, 24 * 3600 + 1][seed % 7]
        gaps = [0] * burst + [chance.choice([pause, pause, 60, chance.randrange(1, 4 * 3600)]) for _ in range(3000)]
        looked_at = self.looks(gaps)

        worst = max(sum(start <= at < start + 86_400 for at in looked_at) for start in looked_at)
        assert worst <= self.MOST_A_DAY
        days = looked_at[-1] / 86_400
        assert len(looked_at) <= self.MOST_A_DAY + 13 * days

    def test_is_one_in_nine_thousand_for_the_worst_day(self):
        """A code has six digits, and those of three steps are right at a moment."""
        assert self.MOST_A_DAY * (2 * TOLERANCE + 1) / 10**6 < 1 / 9000


class TestLock:
    def test_holds_off_unknown_clients_and_their_codes_only(self, fail, user, now):
        lockouts.lock(lock_id=uuid4(), user_id=user.pk, until=now + 30 * MINUTE)

        with pytest.raises(AttemptsExhausted) as caught:
            fail(1, now + MINUTE)
        assert caught.value.retry_after == 29 * 60
        for source in (AttemptSource(device=b"d" * 16), AttemptSource(session_id=uuid4())):
            assert fail(1, now, source=source).locked_until is None
        for factor in ("recovery_code", "webauthn"):
            assert fail(1, now, factor=factor).locked_until is None
        other = UserFactory()
        assert lockouts.charge(user_id=other.pk, method="totp", source=HERE, now=now).locked_until is None

    def test_ends_by_itself_or_when_the_last_is_taken_back(self, fail, user, now):
        first, second = uuid4(), uuid4()
        lockouts.lock(lock_id=first, user_id=user.pk, until=now + 30 * MINUTE)
        lockouts.lock(lock_id=second, user_id=user.pk, until=now + 10 * MINUTE)
        lockouts.unlock(lock_id=first)
        with pytest.raises(AttemptsExhausted):
            fail(1, now)
        fail(1, now + 10 * MINUTE)
        lockouts.unlock(lock_id=second)
        fail(1, now)
