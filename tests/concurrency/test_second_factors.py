"""Many hands on one factor: a proof is good once, tries are counted, and first and last are certain."""

from collections import Counter
from datetime import UTC, datetime

import pytest
from allauth.mfa.models import Authenticator

from accounts.errors import AlreadyExists, AttemptsExhausted, MfaCodeInvalid, NotFound, SignInChallengeInvalid
from accounts.models import RecoverySecret, SecurityKey, SignInChallenge, SignInFailures, User
from accounts.models.passwords import AttemptPool
from accounts.services.factors import mfa_sign_in, passkeys, recovery_codes, security_keys, totp_enrolment
from accounts.services.factors.second_factors import FactorResponse
from accounts.services.sign_in import password_sign_in, reauthentication
from accounts.types import FactorMethod
from security_events.models import SecurityEvent
from tests.clients.authenticator import SoftwareKey
from tests.factories.accounts import PASSWORD, UserFactory
from tests.factories.factors import add_key, add_totp, code_of
from tests.factories.tokens import PHONE, open_session

THREADS = 16


@pytest.fixture
def user():
    return UserFactory(username="mina", raw_password=PASSWORD)


@pytest.fixture
def moment():
    """A moment in the middle of a time step."""
    now = int(datetime.now(UTC).timestamp())
    return datetime.fromtimestamp(now - now % 30 + 15, UTC)


def kinds(results):
    return Counter(type(result) for result in results)


class TestAProof:
    def test_by_code_passes_once_whatever_it_is_shown_for(self, user, at_once, moment):
        secret, _codes = add_totp(user, now=moment)
        proof = FactorResponse(FactorMethod.TOTP, code_of(secret, moment))
        sessions = [open_session(user=user, now=moment).session_id for _ in range(4)]
        challenge = password_sign_in.sign_in(name="mina", password=PASSWORD, client=PHONE, now=moment)

        def show(number):
            if number % 2:
                return mfa_sign_in.complete(token=challenge.token, response=proof, client=PHONE, now=moment)
            session_id = sessions[number % 4]
            return reauthentication.show(user=user, session_id=session_id, response=proof, now=moment)

        results = at_once(*(lambda number=number: show(number) for number in range(THREADS)))

        refused = [result for result in results if isinstance(result, Exception)]
        assert len(refused) == THREADS - 1
        assert set(kinds(refused)) <= {MfaCodeInvalid, AttemptsExhausted, SignInChallengeInvalid}

    def test_by_recovery_code_passes_once(self, user, at_once, moment):
        _secret, codes = add_totp(user, now=moment)
        session_id = open_session(user=user, now=moment).session_id
        proof = FactorResponse(FactorMethod.RECOVERY_CODE, codes[0])

        results = at_once(
            *[lambda: reauthentication.show(user=user, session_id=session_id, response=proof, now=moment)] * THREADS
        )

        assert kinds(results)[datetime] == 1
        assert set(kinds(results)) <= {datetime, MfaCodeInvalid, AttemptsExhausted}

    def test_by_passkey_passes_once(self, user, at_once, moment):
        key, _added = add_key(user, key=SoftwareKey(step=0, flags=0x1D), is_passkey=True, now=moment)
        answer = key.get(passkeys.begin(now=moment))

        results = at_once(*[lambda: passkeys.sign_in(credential=answer, client=PHONE, now=moment)] * THREADS)

        assert kinds(results)[password_sign_in.SignedIn] == 1
        assert len(kinds(results)) == 2

    def test_ends_a_sign_in_once_by_different_codes(self, user, at_once, moment):
        _secret, codes = add_totp(user, now=moment)
        challenge = password_sign_in.sign_in(name="mina", password=PASSWORD, client=PHONE, now=moment)

        def complete(code):
            proof = FactorResponse(FactorMethod.RECOVERY_CODE, code)
            return mfa_sign_in.complete(token=challenge.token, response=proof, client=PHONE, now=moment)

        results = at_once(*(lambda code=code: complete(code) for code in codes))

        assert kinds(results)[password_sign_in.SignedIn] == 1
        assert SignInChallenge.objects.exclude(completed_at=None).count() == 1


class TestGuessing:
    def test_gets_five_tries_however_many_guess_at_once(self, user, at_once, moment):
        add_totp(user, now=moment)
        session_id = open_session(user=user, now=moment).session_id

        def guess():
            proof = FactorResponse(FactorMethod.TOTP, "000000")
            return reauthentication.show(user=user, session_id=session_id, response=proof, now=moment)

        results = at_once(*[guess] * THREADS)

        assert kinds(results) == {MfaCodeInvalid: 5, AttemptsExhausted: THREADS - 5}
        assert SignInFailures.objects.get(pool=AttemptPool.FACTOR_SESSION).count == 5
        events = SecurityEvent.objects.filter(actor_id=str(user.pk))
        assert events.filter(type="mfa.failed").count() == 5
        assert events.filter(type="mfa.locked").count() == 1


class TestEnrolment:
    def test_activates_once_and_gives_one_set_of_recovery_codes(self, user, at_once, moment):
        session_id = open_session(user=user, now=moment).session_id
        secret = totp_enrolment.begin(user=user, now=moment).secret

        def activate():
            return totp_enrolment.activate(user=user, session_id=session_id, code=code_of(secret, moment), now=moment)

        results = at_once(*[activate] * THREADS)

        assert kinds(results) == {list: 1, AlreadyExists: THREADS - 1}
        assert Authenticator.objects.count() == 2

    def test_registers_an_answer_once(self, user, at_once, moment):
        session_id = open_session(user=user, now=moment).session_id
        options = security_keys.begin(user=user, session_id=session_id, is_passkey=False, now=moment)
        answer = SoftwareKey().create(options)

        def register():
            return security_keys.register(user=user, session_id=session_id, name="key", credential=answer, now=moment)

        results = at_once(*[register] * THREADS)

        assert kinds(results)[security_keys.AddedKey] == 1
        assert SecurityKey.objects.count() == 1

    def test_gives_one_credential_to_one_person(self, at_once, moment):
        key, places = SoftwareKey(), []
        for _ in range(8):
            user = UserFactory()
            session_id = open_session(user=user, now=moment).session_id
            options = security_keys.begin(user=user, session_id=session_id, is_passkey=False, now=moment)
            places.append({"user": user, "session_id": session_id, "credential": key.create(options)})

        results = at_once(
            *(lambda place=place: security_keys.register(name="key", now=moment, **place) for place in places)
        )

        assert kinds(results) == {security_keys.AddedKey: 1, AlreadyExists: 7}
        assert Authenticator.objects.filter(type="webauthn").count() == 1

    @pytest.mark.parametrize("_round", range(5))
    def test_says_rightly_whether_a_factor_is_left(self, user, at_once, moment, _round):
        """Two factors are removed while a third is added: it is left, and recovery codes with it."""
        session_id = open_session(user=user, now=moment).session_id
        add_totp(user, session_id=session_id, now=moment)
        _key, first = add_key(user, session_id=session_id, now=moment)
        _key, second = add_key(user, session_id=session_id, now=moment)
        options = security_keys.begin(user=user, session_id=session_id, is_passkey=False, now=moment)
        answer = SoftwareKey().create(options)
        place = {"user": user, "session_id": session_id, "now": moment}

        results = at_once(
            lambda: totp_enrolment.remove(**place),
            lambda: security_keys.remove(key_id=first.key.id, **place),
            lambda: security_keys.remove(key_id=second.key.id, **place),
            lambda: security_keys.register(name="new", credential=answer, **place),
        )

        assert not [result for result in results if isinstance(result, Exception)]
        assert User.objects.get(pk=user.pk).is_mfa_enabled
        assert SecurityKey.objects.count() == 1
        assert RecoverySecret.objects.count() == 1

    def test_removes_the_last_factor_once_and_leaves_nothing(self, user, at_once, moment):
        session_id = open_session(user=user, now=moment).session_id
        add_totp(user, session_id=session_id, now=moment)
        _key, added = add_key(user, session_id=session_id, now=moment)
        place = {"user": user, "session_id": session_id, "now": moment}

        results = at_once(
            *[lambda: totp_enrolment.remove(**place)] * 4,
            *[lambda: security_keys.remove(key_id=added.key.id, **place)] * 4,
            *[lambda: recovery_codes.regenerate(**place)] * 4,
        )

        assert set(kinds(results)) <= {type(None), NotFound, list}
        assert kinds(results)[type(None)] == 2
        assert not User.objects.get(pk=user.pk).is_mfa_enabled
        assert not Authenticator.objects.exists()
        assert not RecoverySecret.objects.exists()

    def test_does_not_dead_lock_with_sign_ins(self, user, at_once, moment):
        secret, codes = add_totp(user, now=moment)
        session_id = open_session(user=user, now=moment).session_id
        challenges = [
            password_sign_in.sign_in(name="mina", password=PASSWORD, client=PHONE, now=moment) for _ in range(6)
        ]

        def complete(challenge, code):
            proof = FactorResponse(FactorMethod.RECOVERY_CODE, code)
            return mfa_sign_in.complete(token=challenge.token, response=proof, client=PHONE, now=moment)

        results = at_once(
            *(
                lambda challenge=challenge, code=code: complete(challenge, code)
                for challenge, code in zip(challenges, codes, strict=False)
            ),
            lambda: totp_enrolment.remove(user=user, session_id=session_id, now=moment),
            lambda: recovery_codes.regenerate(user=user, session_id=session_id, now=moment),
        )

        known = {password_sign_in.SignedIn, MfaCodeInvalid, AttemptsExhausted, NotFound, list, type(None)}
        assert set(kinds(results)) <= known
        assert secret
