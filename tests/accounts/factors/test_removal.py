"""What is left of second factors when an account is given back or changes hands."""

from datetime import timedelta

import pytest
from allauth.mfa.models import Authenticator

from accounts.factors import enrolled, removal
from accounts.models import (
    Ceremony,
    RecoverySecret,
    SecurityKey,
    SignInChallenge,
    SignInFailures,
    TotpEnrolment,
    TotpSecret,
    WebAuthnHandle,
)
from accounts.services.factors import lockouts, sign_in_challenges, totp_enrolment
from tests.factories.accounts import UserFactory
from tests.factories.factors import add_key, add_totp

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
STRANGER = lockouts.AttemptSource(network="203.0.113.7")
EVERYTHING = (
    Authenticator,
    Ceremony,
    RecoverySecret,
    SecurityKey,
    SignInChallenge,
    SignInFailures,
    TotpEnrolment,
    TotpSecret,
    WebAuthnHandle,
)


@pytest.fixture
def user(db):
    return UserFactory()


def types(factors):
    return [factor.type for factor in factors]


class TestRemove:
    def test_leaves_nothing_of_everything(self, user, now):
        totp_enrolment.begin(user=user, now=now)
        waiting = TotpEnrolment.objects.get()
        add_totp(user, now=now)
        waiting.save(force_insert=True)
        add_key(user, now=now)
        sign_in_challenges.issue(user=user, amr=["pwd"], now=now)
        lockouts.charge(user_id=user.pk, method="totp", source=STRANGER, now=now)
        Authenticator.objects.create(user=UserFactory(), type="totp", data={})
        for model in EVERYTHING:
            assert model.objects.exists(), model

        assert types(removal.remove_factors(user_id=user.pk)) == ["totp", "recovery_code", "webauthn"]

        assert Authenticator.objects.count() == 1
        for model in EVERYTHING[1:]:
            assert not model.objects.exists(), model

    def test_leaves_no_half_of_a_factor(self, user):
        Authenticator.objects.create(user=user, type="totp", data={"secret": "of another application"})
        removal.remove_factors(user_id=user.pk)
        assert not Authenticator.objects.exists()

    def test_since_then_leaves_the_earlier_ones(self, user, now):
        add_totp(user, now=now)
        add_key(user, now=now + 2 * DAY)
        lockouts.charge(user_id=user.pk, method="totp", source=STRANGER, now=now)

        assert types(removal.remove_factors(user_id=user.pk, since=now + DAY)) == ["webauthn"]

        assert types(enrolled.list_factors(user.pk)) == ["totp", "recovery_code"]
        assert SignInFailures.objects.count() == 2

    def test_takes_new_recovery_codes_and_leaves_the_factor_that_they_stood_in_for(self, user, now):
        add_totp(user, now=now)
        Authenticator.objects.filter(type="recovery_codes").update(created_at=now + DAY)

        removal.remove_factors(user_id=user.pk, since=now + DAY)

        assert types(enrolled.list_factors(user.pk)) == ["totp"]

    def test_takes_recovery_codes_with_the_last_factor(self, user, now):
        add_totp(user, now=now + DAY)
        Authenticator.objects.filter(type="recovery_codes").update(created_at=now)

        removal.remove_factors(user_id=user.pk, since=now + DAY)

        assert not Authenticator.objects.exists()
        assert not RecoverySecret.objects.exists()
