import pytest

from accounts.errors import NotFound
from accounts.factors import recovery_codes as factor
from accounts.models import RecoverySecret
from accounts.services.factors import recovery_codes
from tests.factories.accounts import UserFactory
from tests.factories.factors import accepts, add_totp
from tests.factories.tokens import open_session

pytestmark = pytest.mark.django_db


class TestRenew:
    def test_gives_ten_new_codes_and_kills_the_old(self, now, events):
        user = UserFactory()
        _secret, old = add_totp(user, now=now)
        session_id = open_session(user=user, now=now).session_id

        new = recovery_codes.regenerate(user=user, session_id=session_id, now=now)

        assert len(set(new)) == 10
        assert not set(new) & set(old)
        assert not any(accepts(factor, user, code, now) for code in old)
        assert all(accepts(factor, user, code, now) for code in new)
        assert events("mfa.recovery_codes_made").get().session_id == session_id

    def test_refuses_people_without_a_second_factor(self, now):
        user = UserFactory()

        with pytest.raises(NotFound):
            recovery_codes.regenerate(user=user, session_id=open_session(user=user, now=now).session_id, now=now)
        assert not RecoverySecret.objects.exists()
