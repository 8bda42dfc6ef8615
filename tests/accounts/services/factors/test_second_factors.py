from datetime import timedelta

import pytest

from accounts.client_tokens import known_devices
from accounts.errors import AttemptsExhausted, CredentialRefused, CredentialsInvalid, MfaCodeInvalid, SignCountRegressed
from accounts.factors import amr
from accounts.factors.webauthn_challenges import ChallengeBinding
from accounts.models import Ceremony, CeremonyPurpose, SecurityKey, SignInFailures
from accounts.models.passwords import FACTOR_POOLS
from accounts.services.factors import mfa_sign_in, second_factors
from accounts.services.factors.second_factors import FactorResponse
from accounts.services.sign_in import password_sign_in, reauthentication
from accounts.types import FactorMethod
from tests.factories.accounts import PASSWORD, UserFactory
from tests.factories.factors import PERIOD, add_key, add_totp, code_of
from tests.factories.tokens import open_session
from tokens.types import ClientContext

pytestmark = pytest.mark.django_db
STEP = timedelta(seconds=PERIOD)


@pytest.fixture
def user():
    return UserFactory(username="mina", raw_password=PASSWORD)


@pytest.fixture
def session_id(user, now):
    return open_session(user=user, now=now).session_id


@pytest.fixture
def prove(user, session_id):
    binding = ChallengeBinding(CeremonyPurpose.REAUTHENTICATION, user_id=user.pk, session_id=session_id)
    return lambda factor, value, now: second_factors.verify(
        user=user, response=FactorResponse(factor, value), binding=binding, then=list, now=now
    )


@pytest.fixture
def options(user, session_id, now):
    return lambda: reauthentication.begin(user=user, session_id=session_id, now=now).webauthn


class TestProve:
    @pytest.mark.attack("RFC 6238, 5.2")
    def test_takes_a_code_once_for_as_long_as_it_is_good(self, user, prove, now):
        secret, _codes = add_totp(user, now=now - 2 * STEP)
        code = code_of(secret, now)

        assert prove(FactorMethod.TOTP, code, now - STEP) == ["otp", "mfa"]

        for at in (now - STEP, now, now + STEP):
            with pytest.raises(MfaCodeInvalid):
                prove(FactorMethod.TOTP, code, at)

    @pytest.mark.attack("RFC 6238, 5.2")
    def test_takes_no_code_older_than_the_last_one(self, user, prove, now):
        secret, _codes = add_totp(user, now=now - 2 * STEP)
        prove(FactorMethod.TOTP, code_of(secret, now, steps=1), now)

        for steps in (-1, 0, 1):
            with pytest.raises(MfaCodeInvalid):
                prove(FactorMethod.TOTP, code_of(secret, now, steps=steps), now)
        assert prove(FactorMethod.TOTP, code_of(secret, now, steps=2), now + STEP)

    def test_does_not_take_the_code_that_activated_the_application(self, user, prove, now):
        secret, _codes = add_totp(user, now=now)

        with pytest.raises(MfaCodeInvalid):
            prove(FactorMethod.TOTP, code_of(secret, now, steps=-1), now)

    @pytest.mark.parametrize("steps", [-3, -2, 2, 3])
    def test_takes_no_code_from_two_steps_away(self, user, prove, now, steps):
        secret, _codes = add_totp(user, now=now - 9 * STEP)

        with pytest.raises(MfaCodeInvalid):
            prove(FactorMethod.TOTP, code_of(secret, now, steps=steps), now)

    def test_takes_a_code_as_people_type_it(self, user, prove, now):
        secret, codes = add_totp(user, now=now)
        code = code_of(secret, now)

        assert prove(FactorMethod.TOTP, f" {code[:3]} {code[3:]}", now)
        assert prove(FactorMethod.RECOVERY_CODE, codes[0].replace("-", " "), now)
        assert prove(FactorMethod.RECOVERY_CODE, codes[1].replace("-", ""), now)

    @pytest.mark.parametrize("factor", [FactorMethod.TOTP, FactorMethod.RECOVERY_CODE])
    @pytest.mark.parametrize("value", ["", "0", "\u0661\u0662", "x" * 64, "-" * 12])
    def test_refuses_what_is_no_code(self, user, prove, now, factor, value):
        add_totp(user, now=now)

        with pytest.raises(MfaCodeInvalid):
            prove(factor, value, now)

    @pytest.mark.parametrize("factor", [FactorMethod.TOTP, FactorMethod.RECOVERY_CODE])
    def test_refuses_a_factor_that_the_person_does_not_have(self, prove, now, factor):
        with pytest.raises(MfaCodeInvalid):
            prove(factor, "123456", now)

    @pytest.mark.attack("WebAuthn L2, 7.2, step 21")
    def test_refuses_a_key_that_counts_backwards_and_uses_no_challenge_up(self, user, prove, options, now, events):
        key, _added = add_key(user, now=now)
        prove(FactorMethod.WEBAUTHN, key.get(options(), counter=10), now)
        again = options()

        with pytest.raises(SignCountRegressed):
            prove(FactorMethod.WEBAUTHN, key.get(again, counter=10), now)

        assert events("mfa.sign_count_regressed").get().data["factor"] == "webauthn"
        assert SecurityKey.objects.get().sign_count == 10
        assert Ceremony.objects.filter(used_at=None).count() == 1
        assert prove(FactorMethod.WEBAUTHN, key.get(again, counter=11), now)

    @pytest.mark.attack("WebAuthn L2, 13.4.3")
    def test_takes_an_answer_once(self, user, prove, options, now):
        key, _added = add_key(user, now=now)
        answer = key.get(options())
        prove(FactorMethod.WEBAUTHN, answer, now)

        with pytest.raises(CredentialRefused):
            prove(FactorMethod.WEBAUTHN, answer, now)

    @pytest.mark.attack("WebAuthn L2, 7.2, step 6")
    def test_refuses_the_key_of_another_user(self, user, prove, options, now):
        add_key(user, now=now)
        thief, _added = add_key(UserFactory(), now=now)

        for handle in (thief.handle, None):
            with pytest.raises(CredentialRefused):
                prove(FactorMethod.WEBAUTHN, thief.get(options(), handle=handle), now)

    def test_does_not_use_a_proof_up_when_what_it_is_for_refuses(self, user, session_id, now):
        secret, codes = add_totp(user, now=now)
        binding = ChallengeBinding(CeremonyPurpose.REAUTHENTICATION, user_id=user.pk, session_id=session_id)

        def refuse(_methods):
            raise LookupError

        for proof in (
            FactorResponse(FactorMethod.TOTP, code_of(secret, now)),
            FactorResponse(FactorMethod.RECOVERY_CODE, codes[0]),
        ):
            with pytest.raises(LookupError):
                second_factors.verify(user=user, response=proof, binding=binding, then=refuse, now=now)
            assert second_factors.verify(user=user, response=proof, binding=binding, then=list, now=now)

    def test_keeps_the_proof_out_of_sight(self):
        assert "123456" not in repr(FactorResponse(FactorMethod.TOTP, "123456"))

    @pytest.mark.attack("ASVS 5.0, 6.3.1")
    def test_can_not_be_locked_without_the_password(self, user, phone, now):
        secret, _codes = add_totp(user, now=now)
        cookie = known_devices.mint(user=user, device=None, now=now)
        elsewhere = ClientContext(ip_address="198.51.100.9", user_agent="Stranger/1.0")

        for guess in range(20):
            with pytest.raises((CredentialsInvalid, AttemptsExhausted)):
                password_sign_in.sign_in(name="mina", password=f"guess {guess}", client=elsewhere, now=now)
            with pytest.raises(mfa_sign_in.SignInChallengeInvalid):
                mfa_sign_in.complete(
                    token=f"cdc_{guess}",
                    response=FactorResponse(FactorMethod.TOTP, "000000"),
                    client=elsewhere,
                    now=now,
                )

        assert not SignInFailures.objects.filter(pool__in=FACTOR_POOLS).exists()
        challenge = password_sign_in.sign_in(name="mina", password=PASSWORD, client=phone, device_token=cookie, now=now)
        proof = FactorResponse(FactorMethod.TOTP, code_of(secret, now))
        assert mfa_sign_in.complete(token=challenge.token, response=proof, client=phone, now=now)


class TestAmrOfASignature:
    @pytest.mark.parametrize(("is_eligible", "method"), [(True, "swk"), (False, "hwk")])
    def test_tells_hardware_from_software(self, is_eligible, method):
        assert amr.of_signature(is_backup_eligible=is_eligible) == [method, "user", "mfa"]
