from datetime import timedelta
from uuid import uuid4

import pytest
from allauth.mfa.models import Authenticator
from fido2.utils import websafe_decode

from accounts.errors import AlreadyExists, DetailsInvalid, LastSignInMethod, NotAllowed, NotFound
from accounts.models import Ceremony, RecoverySecret, SecurityKey
from accounts.services.factors import security_keys
from tests.clients.authenticator import BACKED_UP, ELIGIBLE, PRESENT, VERIFIED, SoftwareKey
from tests.factories import social
from tests.factories.accounts import PASSWORD, UserFactory
from tests.factories.factors import add_key, add_totp
from tests.factories.tokens import open_session
from tokens.models import Session

pytestmark = pytest.mark.django_db


@pytest.fixture
def user():
    return UserFactory(username="mina", full_name="Mina Karimi", raw_password=PASSWORD)


@pytest.fixture
def session_id(user, now):
    return open_session(user=user, now=now).session_id


@pytest.fixture
def begin(user, session_id, now):
    return lambda **more: security_keys.begin(
        **{"user": user, "session_id": session_id, "is_passkey": False, "now": now, **more}
    )


@pytest.fixture
def register(user, session_id, now):
    return lambda credential, **more: security_keys.register(
        **{"user": user, "session_id": session_id, "name": "Blue key", "credential": credential, "now": now, **more}
    )


class TestBegin:
    def test_asks_for_a_key_of_this_installation_without_data_of_the_user(self, user, begin):
        options = begin()

        assert options["rp"] == {"id": "localhost", "name": "Cedrina"}
        assert (options["user"]["name"], options["user"]["displayName"]) == ("mina", "Mina Karimi")
        handle = websafe_decode(options["user"]["id"])
        assert len(handle) == 32
        assert user.pk.bytes not in handle
        assert options["attestation"] == "none"
        assert options["timeout"] == 300_000
        selection = options["authenticatorSelection"]
        assert (selection["residentKey"], selection["userVerification"]) == ("preferred", "preferred")

    def test_takes_its_names_from_the_settings(self, begin, settings):
        settings.ACCOUNTS = {**settings.ACCOUNTS, "WEBAUTHN_RP_ID": "example.org", "TOTP_ISSUER": "Example"}

        assert begin()["rp"] == {"id": "example.org", "name": "Example"}

    def test_asks_for_more_of_a_passkey(self, begin):
        selection = begin(is_passkey=True)["authenticatorSelection"]

        assert (selection["residentKey"], selection["userVerification"]) == ("required", "required")

    def test_gives_a_person_one_handle_and_excludes_their_keys(self, user, session_id, begin, now):
        key, _added = add_key(user, session_id=session_id, now=now)

        options = begin()

        assert websafe_decode(options["user"]["id"]) == key.handle
        assert [websafe_decode(one["id"]) for one in options["excludeCredentials"]] == [key.credential_id]

    def test_stores_the_challenge_by_its_digest_and_the_state_encrypted(self, begin):
        challenge = begin()["challenge"]

        row = Ceremony.objects.values().get()
        assert challenge not in str(row)
        assert row["state"].startswith("test1:")


class TestRegister:
    def test_stores_the_key_and_gives_recovery_codes_with_the_first_factor(self, user, begin, register, now, events):
        key = SoftwareKey(counter=6)

        added = register(key.create(begin()))

        assert (added.key.name, added.key.type, added.key.is_passkey) == ("Blue key", "webauthn", True)
        assert len(added.recovery_codes) == 10
        row = SecurityKey.objects.get()
        assert (bytes(row.credential_id), row.sign_count, row.user_id) == (key.credential_id, 7, user.pk)
        assert (row.is_backup_eligible, row.is_backed_up) == (False, False)
        user.refresh_from_db()
        assert user.is_mfa_enabled
        assert events("mfa.factor_added").get().data == {"factor": "webauthn", "key_id": str(added.key.id)}
        assert Session.objects.get().amr == ["pwd", "hwk", "user", "mfa"]

    def test_keeps_the_backup_flags(self, begin, register):
        key = SoftwareKey(flags=PRESENT | VERIFIED | ELIGIBLE | BACKED_UP, step=0)

        assert register(key.create(begin())).key.is_synchronised

        row = SecurityKey.objects.get()
        assert (row.is_backup_eligible, row.is_backed_up, row.sign_count) == (True, True, 0)

    def test_keeps_nothing_that_is_not_read_of_what_the_client_sent(self, begin, register):
        credential = {**SoftwareKey().create(begin()), "note": "x" * 1000}
        credential["clientExtensionResults"]["other"] = {"a": 1}

        register(credential)

        assert set(Authenticator.objects.get(type="webauthn").data["credential"]) == {
            "id",
            "rawId",
            "type",
            "response",
            "clientExtensionResults",
        }
        assert "other" not in str(Authenticator.objects.get(type="webauthn").data)

    @pytest.mark.attack("WebAuthn L2, 7.1")
    @pytest.mark.parametrize(
        ("key", "changes"),
        [
            (SoftwareKey(), {"kind": "webauthn.get"}),
            (SoftwareKey(), {"challenge": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}),
            (SoftwareKey(), {"origin": "https://evil.example"}),
            (SoftwareKey(), {"origin": "http://localhost:9999"}),
            (SoftwareKey(), {"origin": "http://sub.localhost:8000"}),
            (SoftwareKey(), {"cross_origin": True}),
            (SoftwareKey(), {"rp_id": "evil.example"}),
            (SoftwareKey(), {"flags": 0}),
            (SoftwareKey(), {"flags": PRESENT | BACKED_UP}),
        ],
        ids=["type", "challenge", "origin", "port", "subdomain", "iframe", "relying party", "presence", "backup"],
    )
    def test_refuses(self, begin, register, key, changes, user):
        with pytest.raises(DetailsInvalid):
            register(key.create(begin(), **changes))

        assert not SecurityKey.objects.exists()
        assert not Authenticator.objects.exists()
        user.refresh_from_db()
        assert not user.is_mfa_enabled

    @pytest.mark.attack("WebAuthn L2, 7.1, step 14")
    def test_refuses_a_passkey_that_does_not_verify_its_user(self, begin, register):
        with pytest.raises(DetailsInvalid):
            register(SoftwareKey(flags=PRESENT).create(begin(is_passkey=True)))

    @pytest.mark.parametrize(
        "credential",
        [
            {},
            {"response": None},
            {"response": {}},
            {"response": {"clientDataJSON": "e30"}},
            {"id": 1, "rawId": 2},
            {"response": {"clientDataJSON": "bnVsbA"}},
            {"response": {"clientDataJSON": 5}},
        ],
    )
    def test_refuses_what_is_no_credential(self, begin, register, credential):
        begin()

        with pytest.raises(DetailsInvalid):
            register(credential)

    @pytest.mark.parametrize("member", ["attestationObject"])
    @pytest.mark.parametrize("value", ["", "AA", "oA", "!!", None, 1, [], {}])
    def test_refuses_broken_parts(self, begin, register, member, value):
        credential = SoftwareKey().create(begin())
        credential["response"][member] = value

        with pytest.raises(DetailsInvalid):
            register(credential)

    @pytest.mark.attack("WebAuthn L2, 7.1, step 17")
    def test_refuses_a_key_that_another_user_has(self, begin, register, user, session_id, now):
        key, _added = add_key(UserFactory(), now=now)

        with pytest.raises(AlreadyExists):
            register(key.create(begin()))

    def test_takes_an_answer_once(self, begin, register):
        credential = SoftwareKey().create(begin())
        register(credential)

        with pytest.raises(DetailsInvalid):
            register(credential)

    def test_refuses_an_answer_that_comes_too_late(self, begin, register, now):
        with pytest.raises(DetailsInvalid):
            register(SoftwareKey().create(begin()), now=now + timedelta(minutes=5))

    def test_refuses_an_answer_to_another_session_or_person(self, begin, register, now):
        credential = SoftwareKey().create(begin())

        with pytest.raises(DetailsInvalid):
            register(credential, session_id=uuid4())
        with pytest.raises(DetailsInvalid):
            register(credential, user=UserFactory())

    def test_takes_twenty_keys_and_no_more(self, begin, register, monkeypatch):
        monkeypatch.setattr(security_keys, "MAX_KEYS", 2)
        register(SoftwareKey().create(begin()))
        waiting = begin()
        register(SoftwareKey().create(begin()))

        with pytest.raises(NotAllowed):
            begin()
        with pytest.raises(NotAllowed):
            register(SoftwareKey().create(waiting))


class TestRemove:
    def test_takes_the_recovery_codes_with_the_last_factor(self, user, session_id, now, events):
        _key, added = add_key(user, session_id=session_id, now=now)

        security_keys.remove(user=user, session_id=session_id, key_id=added.key.id, now=now)

        user.refresh_from_db()
        assert not user.is_mfa_enabled
        assert not SecurityKey.objects.exists()
        assert not RecoverySecret.objects.exists()
        assert events("mfa.factor_removed").get().data == {"factor": "webauthn", "key_id": str(added.key.id)}

    def test_keeps_them_while_there_is_another(self, user, session_id, now):
        _key, added = add_key(user, session_id=session_id, now=now)
        add_totp(user, session_id=session_id, now=now)

        security_keys.remove(user=user, session_id=session_id, key_id=added.key.id, now=now)

        user.refresh_from_db()
        assert user.is_mfa_enabled

    def test_keeps_the_last_sign_in_method(self, now, events):
        user = UserFactory()
        session_id = open_session(user=user, now=now).session_id
        _key, first = add_key(user, session_id=session_id, now=now, is_passkey=True)
        _key, second = add_key(user, session_id=session_id, now=now, is_passkey=True)
        security_keys.remove(user=user, session_id=session_id, key_id=first.key.id, now=now)

        with pytest.raises(LastSignInMethod):
            security_keys.remove(user=user, session_id=session_id, key_id=second.key.id, now=now)

        assert SecurityKey.objects.get().pk == second.key.id
        assert events("mfa.factor_removed").count() == 1
        social.link(user, now=now)
        security_keys.remove(user=user, session_id=session_id, key_id=second.key.id, now=now)

    def test_refuses_the_key_of_another_user(self, user, session_id, now):
        _key, added = add_key(UserFactory(), now=now)

        for key_id in (added.key.id, uuid4()):
            with pytest.raises(NotFound):
                security_keys.remove(user=user, session_id=session_id, key_id=key_id, now=now)
        assert SecurityKey.objects.exists()
