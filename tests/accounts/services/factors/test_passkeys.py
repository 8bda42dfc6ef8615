from datetime import timedelta

import pytest

from accounts.errors import AccountDisabled, EmailNotConfirmed, PasskeyRefused
from accounts.models import Ceremony, SecurityKey, User
from accounts.services.factors import passkeys
from tests.clients.authenticator import BACKED_UP, ELIGIBLE, PRESENT, VERIFIED, SoftwareKey
from tests.factories.accounts import UserFactory
from tests.factories.factors import add_key
from tokens.models import Session

pytestmark = pytest.mark.django_db
SYNCHRONISED = PRESENT | VERIFIED | ELIGIBLE | BACKED_UP


@pytest.fixture
def mina():
    return UserFactory(username="mina")


@pytest.fixture
def key(mina, now):
    return add_key(mina, is_passkey=True, now=now)[0]


@pytest.fixture
def sign_in(phone, now):
    return lambda credential, at=now: passkeys.sign_in(credential=credential, client=phone, now=at)


class TestBegin:
    def test_names_no_user_and_requires_verification(self, key, now):
        options = passkeys.begin(now=now)

        assert options["allowCredentials"] == []
        assert (options["userVerification"], options["rpId"]) == ("required", "localhost")


class TestSignIn:
    def test_opens_a_session_that_needs_no_other_factor(self, mina, key, sign_in, now, events):
        signed_in = sign_in(key.get(passkeys.begin(now=now)))

        assert signed_in.user == mina
        session = Session.objects.get(pk=signed_in.tokens.session_id)
        assert (session.amr, session.second_factor_at) == (["hwk", "user", "mfa"], now)
        assert events("authentication.login_succeeded").get().actor_id == str(mina.pk)
        assert SecurityKey.objects.get().sign_count == key.counter

    def test_takes_a_synchronised_passkey_without_a_counter_again_and_again(self, mina, sign_in, now):
        key, _added = add_key(mina, key=SoftwareKey(flags=SYNCHRONISED, step=0), is_passkey=True, now=now)

        for _ in range(3):
            signed_in = sign_in(key.get(passkeys.begin(now=now)))
            assert Session.objects.get(pk=signed_in.tokens.session_id).amr == ["swk", "user", "mfa"]

    @pytest.mark.attack("WebAuthn L2, 7.2")
    @pytest.mark.parametrize(
        "changes",
        [
            {"kind": "webauthn.create"},
            {"challenge": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"},
            {"origin": "https://evil.example"},
            {"origin": "http://localhost:9999"},
            {"cross_origin": True},
            {"rp_id": "evil.example"},
            {"flags": VERIFIED},
            {"flags": PRESENT},
            {"flags": SYNCHRONISED},
            {"private_key": SoftwareKey().private_key},
            {"handle": None},
            {"handle": b"somebody else's"},
        ],
        ids=[
            "type",
            "challenge",
            "origin",
            "port",
            "iframe",
            "relying party",
            "presence",
            "verification",
            "backup",
            "signature",
            "no handle",
            "handle",
        ],
    )
    def test_refuses_alike_and_uses_nothing_up(self, key, sign_in, now, changes):
        options = passkeys.begin(now=now)

        with pytest.raises(PasskeyRefused):
            sign_in(key.get(options, **changes))

        assert Session.objects.count() == 1
        assert sign_in(key.get(options))

    @pytest.mark.attack("WebAuthn L2, 13.4.3")
    def test_takes_an_answer_once(self, key, sign_in, now):
        credential = key.get(passkeys.begin(now=now))
        sign_in(credential)

        with pytest.raises(PasskeyRefused):
            sign_in(credential)

    @pytest.mark.attack("WebAuthn L2, 7.2, step 21")
    @pytest.mark.parametrize("counter", [0, 1, 9, 10])
    def test_refuses_a_copy_of_the_key_that_counts_backwards(self, key, sign_in, now, counter, events):
        sign_in(key.get(passkeys.begin(now=now), counter=10))

        with pytest.raises(PasskeyRefused):
            sign_in(key.get(passkeys.begin(now=now), counter=counter))

        event = events("mfa.sign_count_regressed").get()
        assert (event.severity, event.data) == ("high", {"factor": "webauthn"})
        assert SecurityKey.objects.get().sign_count == 10

    def test_refuses_an_answer_that_comes_too_late(self, key, sign_in, now):
        with pytest.raises(PasskeyRefused):
            sign_in(key.get(passkeys.begin(now=now)), now + timedelta(minutes=5))

    def test_refuses_a_challenge_that_was_made_for_something_else(self, key, sign_in, now):
        options = passkeys.begin(now=now)
        Ceremony.objects.filter(purpose="passkey").update(purpose="sign_in")

        with pytest.raises(PasskeyRefused):
            sign_in(key.get(options))

    def test_refuses_an_unknown_passkey_without_details(self, sign_in, now, events):
        key = SoftwareKey(handle=b"x" * 32)

        with pytest.raises(PasskeyRefused) as caught:
            sign_in(key.get(passkeys.begin(now=now)))

        assert caught.value.code == "invalid_credentials"
        assert events("authentication.login_failed").get().risk_reasons == ["unknown_passkey"]

    @pytest.mark.parametrize("credential", [{}, {"id": "AA"}, {"response": []}, {"rawId": None, "response": {}}])
    def test_refuses_what_is_no_answer(self, sign_in, credential):
        with pytest.raises(PasskeyRefused):
            sign_in(credential)

    @pytest.mark.usefixtures("required_confirmation")
    @pytest.mark.parametrize(
        ("changes", "refusal"),
        [({"is_active": False}, AccountDisabled), ({"email_confirmed_at": None}, EmailNotConfirmed)],
    )
    def test_gives_the_reason_of_a_refusal_to_the_owner_only(self, key, sign_in, now, changes, refusal):
        User.objects.update(**changes)

        with pytest.raises(PasskeyRefused):
            sign_in(key.get(passkeys.begin(now=now), private_key=SoftwareKey().private_key))
        with pytest.raises(refusal):
            sign_in(key.get(passkeys.begin(now=now)))

    def test_treats_people_who_asked_to_be_deleted_as_unknown(self, mina, key, sign_in, now):
        User.objects.filter(pk=mina.pk).update(deleted_at=now)

        with pytest.raises(PasskeyRefused):
            sign_in(key.get(passkeys.begin(now=now)))

    def test_counts_no_attempts_so_that_users_can_not_be_locked_out(self, key, sign_in, now):
        for _ in range(20):
            with pytest.raises(PasskeyRefused):
                sign_in(key.get(passkeys.begin(now=now), private_key=SoftwareKey().private_key))

        assert sign_in(key.get(passkeys.begin(now=now)))
