from datetime import timedelta

import pytest
from procrastinate.contrib.django.models import ProcrastinateJob

from accounts.errors import (
    AccountDisabled,
    AttemptsExhausted,
    EmailNotConfirmed,
    MfaCodeInvalid,
    SignInChallengeInvalid,
)
from accounts.models import SignInChallenge, User
from accounts.services.factors import mfa_sign_in
from accounts.services.factors.second_factors import FactorResponse
from accounts.services.sign_in import password_sign_in
from accounts.types import FactorMethod
from tests.clients.authenticator import ELIGIBLE, SoftwareKey
from tests.factories.accounts import PASSWORD, UserFactory
from tests.factories.factors import add_key, add_totp, code_of
from tokens.errors import SessionLimitReached
from tokens.models import Session

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)


@pytest.fixture
def mina():
    return UserFactory(username="mina", raw_password=PASSWORD)


def begin(phone, now):
    return password_sign_in.sign_in(name="mina", password=PASSWORD, client=phone, now=now)


def totp(code):
    return FactorResponse(FactorMethod.TOTP, code)


def finish(challenge, proof, phone, now):
    return mfa_sign_in.complete(token=challenge.token, response=proof, client=phone, now=now)


class TestComplete:
    def test_opens_a_session_by_an_authenticator_application(self, mina, phone, now, events):
        secret, _codes = add_totp(mina, now=now)
        challenge = begin(phone, now)

        signed_in = finish(challenge, totp(code_of(secret, now)), phone, now)

        session = Session.objects.get(pk=signed_in.tokens.session_id)
        assert (session.user, session.amr) == (mina, ["pwd", "otp", "mfa"])
        assert session.second_factor_at == now
        assert events("authentication.login_succeeded").get().data["amr"] == ["pwd", "otp", "mfa"]
        assert events("mfa.challenged").get().data["methods"] == ["totp", "recovery_code"]

    def test_opens_one_by_a_recovery_code_and_tells_of_it(self, mina, phone, now, events):
        _secret, codes = add_totp(mina, now=now)

        signed_in = finish(begin(phone, now), FactorResponse(FactorMethod.RECOVERY_CODE, codes[3]), phone, now)

        assert Session.objects.get(pk=signed_in.tokens.session_id).amr == ["pwd", "otp", "mfa"]
        assert events("mfa.recovery_code_used").get().data == {"left": 9}
        with pytest.raises(MfaCodeInvalid):
            finish(begin(phone, now), FactorResponse(FactorMethod.RECOVERY_CODE, codes[3]), phone, now)

    @pytest.mark.parametrize(("flags", "method"), [(0, "hwk"), (ELIGIBLE, "swk")])
    def test_opens_one_by_a_security_key(self, mina, phone, now, flags, method):
        key = SoftwareKey()
        key.flags |= flags
        add_key(mina, key=key, now=now)
        challenge = begin(phone, now)
        assert challenge.methods == ("webauthn", "recovery_code")

        signed_in = finish(challenge, FactorResponse(FactorMethod.WEBAUTHN, key.get(challenge.webauthn)), phone, now)

        assert Session.objects.get(pk=signed_in.tokens.session_id).amr == ["pwd", method, "user", "mfa"]

    def test_leaves_the_challenge_usable_after_a_wrong_code(self, mina, phone, now, events):
        secret, _codes = add_totp(mina, now=now)
        challenge = begin(phone, now)

        with pytest.raises(MfaCodeInvalid):
            finish(challenge, totp(code_of(secret, now, steps=5)), phone, now)

        assert events("mfa.failed").get().data == {"factor": "totp", "locked_until": None}
        assert finish(challenge, totp(code_of(secret, now)), phone, now)

    def test_uses_the_challenge_up(self, mina, phone, now):
        secret, _codes = add_totp(mina, now=now)
        challenge = begin(phone, now)
        finish(challenge, totp(code_of(secret, now)), phone, now)

        with pytest.raises(SignInChallengeInvalid):
            finish(challenge, totp(code_of(secret, now, steps=1)), phone, now)

    def test_does_not_use_the_code_up_with_a_challenge_that_is_over(self, mina, phone, now):
        secret, _codes = add_totp(mina, now=now)
        challenge = begin(phone, now)
        later = now + 5 * MINUTE

        with pytest.raises(SignInChallengeInvalid):
            finish(challenge, totp(code_of(secret, later)), phone, later)

        assert finish(begin(phone, later), totp(code_of(secret, later)), phone, later)

    @pytest.mark.parametrize("token", ["", "cdc_nothing", "\ud800"])
    def test_refuses_what_is_no_challenge(self, mina, phone, now, token):
        with pytest.raises(SignInChallengeInvalid):
            mfa_sign_in.complete(token=token, response=totp("123456"), client=phone, now=now)

    def test_refuses_one_from_before_a_password_change(self, mina, phone, now):
        secret, _codes = add_totp(mina, now=now)
        challenge = begin(phone, now)
        mina.set_password("copper lantern seven owls")
        mina.save()

        with pytest.raises(SignInChallengeInvalid):
            finish(challenge, totp(code_of(secret, now)), phone, now)

    @pytest.mark.usefixtures("required_confirmation")
    @pytest.mark.parametrize(
        ("changes", "refusal"),
        [({"is_active": False}, AccountDisabled), ({"email_confirmed_at": None}, EmailNotConfirmed)],
    )
    def test_refuses_people_who_may_not_sign_in_any_more(self, mina, phone, now, changes, refusal):
        secret, _codes = add_totp(mina, now=now)
        challenge = begin(phone, now)
        User.objects.filter(pk=mina.pk).update(**changes)

        with pytest.raises(refusal):
            finish(challenge, totp(code_of(secret, now)), phone, now)

    def test_treats_people_who_asked_to_be_deleted_as_unknown(self, mina, phone, now):
        secret, _codes = add_totp(mina, now=now)
        challenge = begin(phone, now)
        User.objects.filter(pk=mina.pk).update(deleted_at=now)

        with pytest.raises(SignInChallengeInvalid):
            finish(challenge, totp(code_of(secret, now)), phone, now)

    def test_does_not_use_code_and_challenge_up_when_there_are_too_many_sessions(self, mina, phone, now, settings):
        secret, _codes = add_totp(mina, now=now)
        challenge = begin(phone, now)
        settings.TOKENS = {**settings.TOKENS, "MAX_SESSIONS_PER_USER": 1, "SESSION_OVERFLOW": "reject"}

        with pytest.raises(SessionLimitReached):
            finish(challenge, totp(code_of(secret, now)), phone, now)

        assert SignInChallenge.objects.get().completed_at is None
        settings.TOKENS = {**settings.TOKENS, "MAX_SESSIONS_PER_USER": 2}
        assert finish(challenge, totp(code_of(secret, now)), phone, now)

    def test_locks_the_factor_after_five_wrong_codes_whatever_the_challenge(self, mina, phone, now, events):
        secret, codes = add_totp(mina, now=now)
        for _ in range(5):
            with pytest.raises(MfaCodeInvalid):
                finish(begin(phone, now), totp("000000"), phone, now)

        with pytest.raises(AttemptsExhausted) as caught:
            finish(begin(phone, now), totp(code_of(secret, now)), phone, now)

        assert caught.value.retry_after in (15 * 60, 15 * 60 + 1)
        assert events("mfa.locked").get().data["factor"] == "totp"
        assert ProcrastinateJob.objects.filter(args__kind="factor_locked", args__user_id=str(mina.pk)).count() == 1
        # Another factor has another pool, and the lock ends by itself.
        assert finish(begin(phone, now), FactorResponse(FactorMethod.RECOVERY_CODE, codes[0]), phone, now)
        later = now + 15 * MINUTE
        assert finish(begin(phone, later), totp(code_of(secret, later)), phone, later)

    def test_refuses_the_factors_of_another_user(self, mina, phone, now):
        add_totp(mina, now=now)
        thief = UserFactory()
        secret, codes = add_totp(thief, now=now)
        key, _added = add_key(thief, now=now)
        challenge = begin(phone, now)

        for proof in (
            totp(code_of(secret, now)),
            FactorResponse(FactorMethod.RECOVERY_CODE, codes[0]),
            FactorResponse(FactorMethod.WEBAUTHN, key.get({"challenge": "AAAA"})),
        ):
            with pytest.raises(MfaCodeInvalid):
                finish(challenge, proof, phone, now)
        assert Session.objects.filter(user=mina).count() == 1

    def test_is_asked_for_whatever_the_first_factor_was(self, mina, phone, now):
        secret, _codes = add_totp(mina, now=now)

        challenge = password_sign_in.complete_sign_in(user=mina, amr=["fed"], client=phone, now=now)

        signed_in = finish(challenge, totp(code_of(secret, now)), phone, now)
        assert Session.objects.get(pk=signed_in.tokens.session_id).amr == ["fed", "otp", "mfa"]

    def test_requires_a_factor_that_was_added_meanwhile(self, mina, phone, now):
        before = User.objects.get(pk=mina.pk)
        add_totp(mina, now=now)

        with pytest.raises(password_sign_in.CredentialsInvalid):
            password_sign_in.complete_sign_in(user=before, amr=["pwd"], client=phone, now=now)

        assert Session.objects.filter(user=mina).count() == 1
