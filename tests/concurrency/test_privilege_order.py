"""Administrators who act on each other at the same moment: one succeeds, and one is left."""

from functools import partial
from itertools import product

import pytest
from django.utils import timezone

from accounts.errors import NotAllowed
from accounts.models import User
from accounts.services.administration import account_status, admin_sign_in, operator_proofs, role_grants, staff_rights
from accounts.services.profile import deletion, erasure
from accounts.services.sign_in import password_sign_in
from tests.factories.accounts import PASSWORD, UserFactory
from tests.factories.tokens import PHONE, open_session
from tokens.models import Session

pytestmark = pytest.mark.attack("CWE-362; OWASP ASVS 5.0, 8.2.2")
ROUNDS = 10


# Each takes the rights of the other one.
def deactivate(one, other):
    return account_status.deactivate(user=other, by=one, reason="at once", now=timezone.now())


def close(one, other):
    return deletion.close(user=other, by=one, reason="at once", now=timezone.now())


def withdraw(one, other):
    return staff_rights.withdraw(user=other, by=one, reason="at once", now=timezone.now())


def take_role(one, other):
    return role_grants.revoke_role(user=other, role="admin", by=one, reason="at once", now=timezone.now())


def erase(one, other):
    return erasure.erase_for_operator(user=other, by=one, reason="at once", now=timezone.now())


def leave(_one, other):
    pair = open_session(user=other)
    return bool(deletion.request(user=other, session_id=pair.session_id, password=PASSWORD, now=timezone.now()))


def administrators():
    return User.objects.present().filter(is_superuser=True, is_active=True).count()


def pair_of_administrators():
    User.objects.all().delete()
    return [UserFactory(admin=True, raw_password=PASSWORD) for _ in range(2)]


class TestTwoAdministrators:
    @pytest.mark.parametrize(
        ("first", "second"),
        [
            *product((deactivate, close, leave), repeat=2),
            (withdraw, withdraw),
            (erase, erase),
            (withdraw, erase),
            (deactivate, withdraw),
            (take_role, take_role),
            (take_role, leave),
        ],
        ids=lambda act: act.__name__,
    )
    def test_cannot_both_go(self, at_once, first, second):
        for _ in range(ROUNDS):
            one, other = pair_of_administrators()
            outcomes = at_once(partial(first, one, other), partial(second, other, one))

            assert administrators() == 1, outcomes
            assert sum(isinstance(outcome, NotAllowed) for outcome in outcomes) == 1, outcomes

    def test_of_many_leave_one_and_lock_each_other_never_up(self, at_once):
        for _ in range(3):
            User.objects.all().delete()
            everybody = [UserFactory(admin=True, raw_password=PASSWORD) for _ in range(4)]
            outcomes = at_once(
                *(partial(deactivate, one, other) for one, other in product(everybody, repeat=2) if one != other)
            )

            assert administrators() == 1, outcomes
            assert all(isinstance(outcome, bool | NotAllowed) for outcome in outcomes), outcomes
            assert outcomes.count(True) == 3


class TestAnAdminsSignIn:
    def test_does_not_outlive_the_deactivation_that_it_races_with(self, at_once):
        for _ in range(ROUNDS):
            one, other = pair_of_administrators()
            signed_in, is_closed = at_once(
                partial(admin_sign_in.complete_sign_in, user=other, client=PHONE), partial(deactivate, one, other)
            )

            assert is_closed is True, signed_in
            assert not Session.objects.filter(user=other, ended_at=None).exists()


class TestASignIn:
    def test_does_not_outlive_the_demand_for_a_new_password_that_it_races_with(self, at_once):
        now = timezone.now()
        for _ in range(ROUNDS):
            one, other = pair_of_administrators()
            signed_in, is_demanded = at_once(
                partial(
                    password_sign_in.complete_sign_in,
                    user=other,
                    amr=[password_sign_in.PASSWORD],
                    client=PHONE,
                    now=now,
                ),
                partial(operator_proofs.require_password_reset, user=other, by=one, reason="at once", now=now),
            )

            assert is_demanded is True, signed_in
            assert not Session.objects.filter(user=other, ended_at=None).exists()
