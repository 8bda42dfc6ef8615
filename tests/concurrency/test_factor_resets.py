"""Resets of second factors under real concurrency: one is open, one ending wins, each is carried out once."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.factors import enrolled
from accounts.models import SecondFactorReset
from accounts.services.factors import factor_reset
from security_events.models import SecurityEvent
from tests import mailbox
from tests.accounts.services.factors.signed_in import sign_in_with_code
from tests.concurrency.test_mailed_tokens import empty_jobs
from tests.factories.accounts import PASSWORD, UserFactory
from tests.factories.factors import add_totp

pytestmark = pytest.mark.usefixtures("empty_jobs")
LATER = timedelta(hours=73)
WORKERS = 8


@pytest.fixture
def user(transactional_db):
    mina = UserFactory(username="mina", raw_password=PASSWORD)
    add_totp(mina, now=timezone.now() - timedelta(hours=1))
    mailbox.work()
    return mina


@pytest.fixture
def operators(transactional_db):
    return [UserFactory(admin=True, raw_password=PASSWORD) for _ in range(WORKERS)]


def recorded(kind, user):
    return SecurityEvent.objects.filter(type=kind, target_id=str(user.pk)).count()


def test_of_simultaneous_requests_one_begins_to_wait(at_once, user, operators):
    now = timezone.now()
    begun = at_once(*(lambda by=by: factor_reset.request(user=user, by=by, reason="x", now=now) for by in operators))
    assert sorted(begun) == [False] * (WORKERS - 1) + [True]
    assert SecondFactorReset.objects.count() == 1
    assert recorded("mfa.reset_requested", user) == 1


def test_two_workers_carry_one_out_once(at_once, user, operators):
    now = timezone.now()
    factor_reset.request(user=user, by=operators[0], reason="x", now=now)
    mailbox.work()

    done = at_once(*[lambda: factor_reset.carry_out_due(now=now + LATER)] * WORKERS)

    assert sorted(done) == [0] * (WORKERS - 1) + [1]
    assert recorded("mfa.reset_carried_out", user) == 1
    assert mailbox.queued() == ["factors_reset"]


def test_of_a_stop_and_the_end_of_the_time_one_wins(at_once, user, operators):
    for by in operators[:3]:
        now = timezone.now()
        factor_reset.request(user=user, by=by, reason="x", now=now)
        token = mailbox.token_in(next(mail for mail in mailbox.work() if "stop-reset" in mail.body))

        stopped, carried_out = at_once(
            lambda token=token, now=now: factor_reset.stop(token=token, now=now + LATER),
            lambda now=now: factor_reset.carry_out_due(now=now + LATER),
        )

        outcome = SecondFactorReset.objects.latest("requested_at").outcome
        is_removed = not enrolled.has_any(user.pk)
        assert (outcome, carried_out, isinstance(stopped, Exception)) in [
            ("stopped", 0, False),
            ("carried_out", 1, True),
        ]
        assert is_removed == (outcome == "carried_out")
        if is_removed:
            return


def test_a_second_factor_that_is_shown_at_the_end_of_the_time_is_either_kept_or_gone(at_once, user, operators):
    now = timezone.now()
    factor_reset.request(user=user, by=operators[0], reason="x", now=now)
    mailbox.work()

    signed_in, carried_out = at_once(
        lambda: sign_in_with_code(user, now=now + LATER),
        lambda: factor_reset.carry_out_due(now=now + LATER),
    )

    outcome = SecondFactorReset.objects.get().outcome
    assert (outcome, carried_out) in [("factor_shown", 0), ("carried_out", 1)]
    assert enrolled.has_any(user.pk) == (outcome == "factor_shown")
    assert isinstance(signed_in, Exception) == (outcome == "carried_out")
