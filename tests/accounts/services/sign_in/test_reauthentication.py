from datetime import timedelta

import pytest

from accounts.errors import AttemptsExhausted, MfaCodeInvalid
from accounts.services.factors.second_factors import FactorResponse
from accounts.services.sign_in import reauthentication
from accounts.types import FactorMethod
from tests.factories.accounts import UserFactory
from tests.factories.factors import add_key, add_totp, code_of
from tests.factories.tokens import open_session
from tokens.end_reasons import ADMINISTRATOR
from tokens.errors import SessionRevoked
from tokens.models import Session
from tokens.services import revocation

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


@pytest.fixture
def user():
    return UserFactory(username="mina")


@pytest.fixture
def session_id(user, now):
    return open_session(user=user, now=now).session_id


@pytest.fixture
def show(user, session_id):
    return lambda factor, value, now: reauthentication.show(
        user=user, session_id=session_id, response=FactorResponse(factor, value), now=now
    )


class TestBegin:
    def test_names_the_ways_and_asks_for_a_key_where_there_is_one(self, user, session_id, now):
        add_totp(user, now=now)
        ways = reauthentication.begin(user=user, session_id=session_id, now=now)
        assert (ways.methods, ways.webauthn) == (("totp", "recovery_code"), None)

        add_key(user, now=now)
        ways = reauthentication.begin(user=user, session_id=session_id, now=now)

        assert ways.methods == ("totp", "webauthn", "recovery_code")
        assert len(ways.webauthn["allowCredentials"]) == 1


class TestShow:
    def test_notes_the_second_factor_and_when(self, user, session_id, show, now, events):
        secret, _codes = add_totp(user, now=now)
        later = now + HOUR

        assert show(FactorMethod.TOTP, code_of(secret, later), later) == later

        session = Session.objects.get(pk=session_id)
        assert (session.second_factor_at, session.authenticated_at) == (later, later)
        assert session.amr == ["pwd", "otp", "mfa"]
        assert events("authentication.reauthenticated").get().data == {"amr": ["otp", "mfa"]}

    def test_takes_a_recovery_code_and_a_key(self, user, session_id, show, now):
        key, added = add_key(user, now=now)
        options = reauthentication.begin(user=user, session_id=session_id, now=now).webauthn

        assert show(FactorMethod.WEBAUTHN, key.get(options), now)
        assert show(FactorMethod.RECOVERY_CODE, added.recovery_codes[0], now)

    def test_refuses_an_answer_that_was_made_in_another_session(self, user, show, now):
        key, _added = add_key(user, now=now)
        other = open_session(user=user, now=now).session_id
        options = reauthentication.begin(user=user, session_id=other, now=now).webauthn

        with pytest.raises(MfaCodeInvalid):
            show(FactorMethod.WEBAUTHN, key.get(options), now)

    def test_records_a_wrong_code_with_the_session(self, user, session_id, show, now, events):
        add_totp(user, now=now)

        with pytest.raises(MfaCodeInvalid):
            show(FactorMethod.TOTP, "000000", now)

        assert events("mfa.failed").get().session_id == session_id

    def test_shares_the_pool_of_the_sign_in(self, user, show, now):
        secret, _codes = add_totp(user, now=now)
        for _ in range(5):
            with pytest.raises(MfaCodeInvalid):
                show(FactorMethod.TOTP, "000000", now)

        with pytest.raises(AttemptsExhausted):
            show(FactorMethod.TOTP, code_of(secret, now), now)

    def test_does_not_use_a_code_up_for_a_session_that_has_ended(self, user, session_id, show, now):
        secret, _codes = add_totp(user, now=now)
        revocation.end_sessions(user_id=user.pk, reason=ADMINISTRATOR, now=now)

        with pytest.raises(SessionRevoked):
            show(FactorMethod.TOTP, code_of(secret, now), now)

        fresh = open_session(user=user, now=now).session_id
        proof = FactorResponse(FactorMethod.TOTP, code_of(secret, now))
        assert reauthentication.show(user=user, session_id=fresh, response=proof, now=now)
