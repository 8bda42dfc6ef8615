import pytest

from accounts import selectors
from accounts.errors import NotFound
from accounts.factors import recovery_codes
from accounts.models import User
from accounts.services.factors import enrolment
from accounts.types import FactorMethod
from tests.factories.accounts import UserFactory
from tests.factories.factors import accepts, add_key, add_totp
from tests.factories.tokens import open_session
from tokens.end_reasons import ADMINISTRATOR
from tokens.errors import SessionRevoked
from tokens.services import revocation

pytestmark = pytest.mark.django_db


class TestLock:
    @pytest.mark.parametrize("changes", [{"is_active": False}, {"deleted_at": "2026-01-01T00:00:00Z"}])
    def test_refuses_accounts_that_are_disabled_or_deleted(self, changes):
        user = UserFactory()
        User.objects.filter(pk=user.pk).update(**changes)

        with pytest.raises(NotFound):
            enrolment.lock_user(user=user)


class TestAdded:
    def test_gives_new_recovery_codes_when_all_were_used(self, now):
        user = UserFactory()
        _secret, codes = add_totp(user, now=now)
        for code in codes:
            assert accepts(recovery_codes, user, code, now)

        _key, added = add_key(user, now=now)

        assert len(added.recovery_codes) == 10
        assert selectors.second_factors(user_id=user.pk).recovery_codes_left == 10

    def test_refuses_for_a_session_that_has_ended(self, now):
        user = UserFactory()
        session_id = open_session(user=user, now=now).session_id
        revocation.end_sessions(user_id=user.pk, reason=ADMINISTRATOR, now=now)

        with pytest.raises(SessionRevoked):
            enrolment.record_added(
                user=user, method=FactorMethod.TOTP, session_id=session_id, amr=["otp", "mfa"], now=now
            )


class TestRemoved:
    def test_leaves_a_person_with_the_factors_that_are_left(self, now):
        user = UserFactory()
        add_totp(user, now=now)
        session_id = open_session(user=user, now=now).session_id

        enrolment.record_removed(user=user, method=FactorMethod.WEBAUTHN, session_id=session_id, now=now)

        found = selectors.second_factors(user_id=user.pk)
        assert (found.is_enabled, found.recovery_codes_left) == (True, 10)
        assert [factor.type for factor in found.factors] == ["totp", "recovery_code"]
