"""Which sessions have to show a proof, and when that ends."""

from datetime import timedelta
from threading import Barrier, Thread

import pytest
from django.db import connection
from django.utils import timezone

from cedrina_base.uuids import uuid7
from tests.factories.accounts import UserFactory
from tests.factories.tokens import PHONE, open_session
from tokens.api.step_up import is_proof_due
from tokens.models import Session, StepUpOrder
from tokens.services import issuing, purging, sessions, step_up_orders, verification
from tokens.types import TokenPair

NOW = timezone.now()
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


def order(user, *, session_id=None, since=NOW, until=NOW + DAY, now=NOW):
    order_id = uuid7()
    step_up_orders.require(order_id=order_id, user_id=user.pk, session_id=session_id, since=since, until=until, now=now)
    return order_id


def is_due(pair: TokenPair, *, now=NOW):
    """Return what the next request with the session's token finds."""
    found = verification.authenticate(presented=pair.access_token, now=timezone.now())
    return is_proof_due(found.principal, now=now)


@pytest.fixture(autouse=True)
def _long_lived_tokens(settings):
    """The clock goes on while a suite runs, and sessions are opened at the time at which this module was read."""
    settings.TOKENS = {**settings.TOKENS, "ACCESS_TTL": DAY}


@pytest.fixture
def user(db):
    return UserFactory()


class TestRequire:
    def test_marks_sessions_since_the_attack_and_leaves_earlier_ones(self, user):
        before, during = open_session(user=user, now=NOW - MINUTE), open_session(user=user, now=NOW)
        foreign = open_session(now=NOW)
        order(user)
        assert [is_due(before), is_due(during), is_due(foreign)] == [False, True, False]

    def test_marks_only_the_session_that_is_named_and_later_ones(self, user):
        named, other = open_session(user=user, now=NOW), open_session(user=user, now=NOW)
        order(user, session_id=named.session_id)
        later = open_session(user=user, now=NOW + MINUTE)
        assert [is_due(named), is_due(other), is_due(later)] == [True, False, True]

    @pytest.mark.parametrize(
        ("amr", "known_since", "expected"),
        [
            (("pwd",), None, True),
            (("pwd", "otp", "mfa"), None, False),
            (("pwd",), NOW - MINUTE, False),
            (("pwd",), NOW, True),  # the attacker's own browser, which has signed in during the attack
        ],
    )
    def test_spares_later_sessions_that_are_proved(self, user, amr, known_since, expected):
        order(user)
        pair = issuing.open_session(user=user, client=PHONE, amr=amr, known_since=known_since, now=NOW + MINUTE)
        assert is_due(pair) is expected

    def test_ends_by_the_clock(self, user):
        pair = open_session(user=user, now=NOW)
        order(user, until=NOW + MINUTE)
        assert is_due(pair, now=NOW + MINUTE - timedelta(seconds=1))
        assert not is_due(pair, now=NOW + MINUTE)
        assert not is_due(open_session(user=user, now=NOW + 2 * MINUTE), now=NOW + 2 * MINUTE)

    @pytest.mark.parametrize(("amr", "expected"), [(["pwd"], True), (["otp", "mfa"], False)])
    def test_ends_by_a_second_factor_and_not_by_a_password(self, user, amr, expected):
        pair = open_session(user=user, now=NOW)
        order(user)
        sessions.record_reauthentication(session_id=pair.session_id, amr=amr, now=NOW)
        assert is_due(pair) is expected

    def test_does_nothing_about_somebody_who_does_not_exist(self, user):
        user.delete()
        order(user)
        assert not StepUpOrder.objects.exists()

    @pytest.mark.django_db(transaction=True)
    def test_misses_no_session_that_is_opened_at_the_same_time(self):
        user = UserFactory()
        start = Barrier(4)
        pairs = []

        def sign_in():
            start.wait()
            pairs.append(open_session(user=user, now=NOW + MINUTE))
            connection.close()

        threads = [Thread(target=sign_in) for _ in range(3)]
        for thread in threads:
            thread.start()
        start.wait()
        order(user)
        for thread in threads:
            thread.join()
        assert [is_due(pair) for pair in pairs] == [True] * 3


class TestWithdraw:
    def test_takes_the_marks_back(self, user):
        pair = open_session(user=user, now=NOW)
        step_up_orders.withdraw(order_id=order(user), user_id=user.pk, now=NOW)
        assert not is_due(pair)
        assert not is_due(open_session(user=user, now=NOW + MINUTE))

    def test_leaves_what_another_order_asks_for(self, user):
        pair = open_session(user=user, now=NOW)
        first, second = order(user, until=NOW + 2 * DAY), order(user, session_id=pair.session_id)
        step_up_orders.withdraw(order_id=first, user_id=user.pk, now=NOW)
        assert Session.objects.get(pk=pair.session_id).step_up_until == NOW + DAY
        step_up_orders.withdraw(order_id=second, user_id=user.pk, now=NOW)
        assert not is_due(pair)

    def test_asks_nobody_again_who_has_shown_a_proof(self, user):
        pair = open_session(user=user, now=NOW)
        first, _second = order(user), order(user)
        sessions.record_proof(session_id=pair.session_id)
        step_up_orders.withdraw(order_id=first, user_id=user.pk, now=NOW)
        assert not is_due(pair)


def test_purges_orders_whose_time_is_over(user):
    order(user, until=NOW + MINUTE)
    kept = order(user, until=NOW + DAY)
    purging.purge_expired(now=NOW + 2 * MINUTE)
    assert StepUpOrder.objects.get().pk == kept
