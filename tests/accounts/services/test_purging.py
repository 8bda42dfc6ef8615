from datetime import timedelta

import pytest

from accounts.models import Ceremony, FactorAttempts, SignInChallenge, TotpEnrolment
from accounts.services import challenges, lockouts, passkeys, purging, totp_enrolment
from tests.factories.accounts import UserFactory

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)


class TestPurgeExpired:
    def test_forgets_what_was_never_finished(self, now):
        user = UserFactory()
        totp_enrolment.begin(user=user, now=now)
        challenges.issue(user=user, amr=["pwd"], now=now)
        passkeys.begin(now=now)
        lockouts.claim(user_id=user.pk, factor="totp", now=now)

        assert purging.purge_expired(now=now + timedelta(hours=1)) == {
            "ceremonies": 0, "sign_ins": 0, "enrolments": 0, "attempts": 0,
        }  # fmt: skip
        assert purging.purge_expired(now=now + timedelta(hours=2)) == {
            "ceremonies": 1, "sign_ins": 1, "enrolments": 1, "attempts": 0,
        }  # fmt: skip
        assert purging.purge_expired(now=now + timedelta(days=8))["attempts"] == 1
        for model in (Ceremony, SignInChallenge, TotpEnrolment, FactorAttempts):
            assert not model.objects.exists()

    def test_keeps_a_lock_and_its_history(self, now):
        user = UserFactory()
        for _ in range(5):
            lockouts.claim(user_id=user.pk, factor="totp", now=now)

        assert purging.purge_expired(now=now + timedelta(days=7))["attempts"] == 0

    def test_works_in_batches(self, now, monkeypatch):
        monkeypatch.setattr(purging, "_BATCH", 2)
        for _ in range(5):
            passkeys.begin(now=now)

        assert purging.purge_expired(now=now + timedelta(hours=2))["ceremonies"] == 5
