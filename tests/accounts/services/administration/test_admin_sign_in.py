from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from django.contrib.auth.hashers import make_password
from django.utils import timezone

from accounts.client_tokens import known_devices
from accounts.errors import AttemptsExhausted, CredentialsInvalid, MfaCodeInvalid, SignInChallengeInvalid
from accounts.models import Ceremony, KnownClient, User
from accounts.services.administration import admin_sign_in
from accounts.services.factors.second_factors import FactorResponse
from accounts.services.sign_in import password_sign_in
from accounts.types import FactorMethod
from tests import mailbox
from tests.factories.accounts import PASSWORD, UserFactory
from tests.factories.factors import add_key, add_totp, code_of
from tokens.models import Session, SessionKind
from tokens.types import ClientContext

pytestmark = pytest.mark.django_db
SIGN_IN = UUID("019b8d5a-4c1e-7a30-9f52-0d6f6b0f8a11")


class TestVerifyPassword:
    def test_finds_staff_and_opens_no_session(self, phone, events):
        user = UserFactory(username="boss", raw_password=PASSWORD, roles=["users:read"])

        assert (
            admin_sign_in.verify_password(name="boss@example.com", password=PASSWORD, client=phone, now=timezone.now())
            == user
        )
        assert not events("admin.login_succeeded").exists()
        assert not Session.objects.exists()

    def test_upgrades_a_hash_that_has_become_too_cheap(self, phone, settings, events):
        user = UserFactory(username="boss", raw_password=PASSWORD, roles=["users:read"])
        settings.ACCOUNTS = {**settings.ACCOUNTS, "BCRYPT_ROUNDS": 5}

        signed_in = admin_sign_in.verify_password(name="boss", password=PASSWORD, client=phone, now=timezone.now())

        user.refresh_from_db()
        assert signed_in.password == user.password
        assert user.password.startswith("bcrypt_sha256$$2b$05$")
        assert events("password.hash_upgraded").count() == 1

    @pytest.mark.parametrize(
        ("details", "password", "reason"),
        [
            (None, PASSWORD, "unknown_name"),
            ({"is_staff": True}, "wrong", "wrong_password"),
            ({"is_staff": True, "is_active": False}, PASSWORD, "disabled"),
            ({}, PASSWORD, "not_staff"),
        ],
    )
    def test_refuses_all_others_alike_and_records_why(self, phone, events, details, password, reason):
        if details is not None:
            UserFactory(username="boss", raw_password=PASSWORD, **details)

        assert admin_sign_in.verify_password(name="boss", password=password, client=phone, now=timezone.now()) is None
        assert events("admin.login_failed").get().risk_reasons == [reason]

    def test_counts_wrong_passwords_together_with_the_api(self, phone):
        UserFactory(username="boss", raw_password=PASSWORD, roles=["users:read"])
        for _ in range(3):
            assert (
                admin_sign_in.verify_password(name="boss", password="wrong", client=phone, now=timezone.now()) is None
            )
        for _ in range(2):
            with pytest.raises(CredentialsInvalid):
                password_sign_in.sign_in(name="boss", password="wrong", client=phone, now=timezone.now())

        with pytest.raises(AttemptsExhausted):
            admin_sign_in.verify_password(name="boss", password=PASSWORD, client=phone, now=timezone.now())

    def test_counts_a_known_device_separately(self, phone):
        user = UserFactory(username="boss", raw_password=PASSWORD, roles=["users:read"])
        cookie = known_devices.mint(user=user, device=None, now=timezone.now())
        stranger = ClientContext(ip_address="198.51.100.9", user_agent="Other/1.0")
        for _ in range(5):
            admin_sign_in.verify_password(name="boss", password="wrong", client=stranger, now=timezone.now())

        with pytest.raises(AttemptsExhausted):
            admin_sign_in.verify_password(name="boss", password=PASSWORD, client=stranger, now=timezone.now())
        assert (
            admin_sign_in.verify_password(
                name="boss", password=PASSWORD, client=phone, device_token=cookie, now=timezone.now()
            )
            == user
        )

    def test_records_a_challenge_for_users_with_a_second_factor(self, phone, now, events):
        user = UserFactory(username="boss", raw_password=PASSWORD, roles=["users:read"])
        add_totp(user, now=now)

        assert admin_sign_in.verify_password(name="boss", password=PASSWORD, client=phone, now=now) == user
        assert not KnownClient.objects.exists()
        assert not events("admin.login_succeeded").exists()
        assert events("mfa.challenged").count() == 1


class TestCompleteSignIn:
    @pytest.fixture
    def boss(self):
        return UserFactory(username="boss", raw_password=PASSWORD, roles=["users:read"])

    def test_opens_a_session_of_the_admin_and_records_both(self, boss, phone, now, events):
        signed_in = admin_sign_in.complete_sign_in(user=boss, client=phone, now=now)

        session = Session.objects.get()
        assert (signed_in.user, signed_in.session_id) == (boss, session.pk)
        assert (session.kind, session.amr, session.ip_address) == (SessionKind.ADMIN, ["pwd"], "203.0.113.7")
        assert session.expires_at == now + timedelta(hours=12)
        assert KnownClient.objects.count() == 1
        assert User.objects.get().last_login == now
        event = events("admin.login_succeeded").get()
        assert (event.actor_id, event.data["amr"]) == (str(boss.pk), ["pwd"])
        assert events("session.created").get().data == {"amr": ["pwd"], "kind": "admin"}

    def test_mails_users_about_a_new_client(self, boss, phone, empty_queue):
        admin_sign_in.complete_sign_in(user=boss, client=phone, now=timezone.now())
        admin_sign_in.complete_sign_in(user=boss, client=phone, now=timezone.now())
        assert mailbox.queued() == []

        admin_sign_in.complete_sign_in(
            user=boss, client=ClientContext(ip_address="198.51.100.9", user_agent="Other/1.0"), now=timezone.now()
        )
        assert mailbox.queued() == ["new_device"]

    @pytest.mark.parametrize(
        "change", [{"password": make_password("another")}, {"is_active": False}, {"is_mfa_enabled": True}]
    )
    def test_refuses_an_account_that_has_changed_since(self, boss, phone, events, change):
        User.objects.update(**change)

        with pytest.raises(SignInChallengeInvalid):
            admin_sign_in.complete_sign_in(user=boss, client=phone, now=timezone.now())

        assert not Session.objects.exists()
        assert events("admin.login_failed").get().risk_reasons == ["changed_meanwhile"]


def pending(user, *, sign_in=SIGN_IN, bound_to=None):
    """Return a sign-in of a user whose password was right."""
    bound_to = bound_to or admin_sign_in.password_binding(user=user)
    return admin_sign_in.PendingAdminSignIn(id=sign_in, user_id=user.pk, bound_to=bound_to)


class TestBeginMfaSignIn:
    @pytest.fixture
    def boss(self):
        return UserFactory(username="boss", raw_password=PASSWORD, roles=["users:read"])

    def test_challenges_a_key_for_this_sign_in_only(self, boss, now):
        key, _added = add_key(boss, now=now)
        asked = admin_sign_in.begin_mfa_sign_in(pending=pending(boss), now=now)
        assert set(asked.methods) == {FactorMethod.WEBAUTHN, FactorMethod.RECOVERY_CODE}
        answer = {
            "response": FactorResponse(FactorMethod.WEBAUTHN, key.get(asked.webauthn)),
            "client": ClientContext(ip_address="203.0.113.7"),
            "now": now,
        }
        with pytest.raises(MfaCodeInvalid):
            admin_sign_in.complete_mfa_sign_in(pending=pending(boss, sign_in=uuid4()), **answer)
        assert admin_sign_in.complete_mfa_sign_in(pending=pending(boss), **answer).user == boss

    def test_challenges_no_key_where_there_is_none(self, boss, now):
        add_totp(boss, now=now)
        asked = admin_sign_in.begin_mfa_sign_in(pending=pending(boss), now=now)
        assert asked.webauthn is None
        assert not Ceremony.objects.exists()

    def test_ends_when_the_password_changes(self, boss, now):
        add_key(boss, now=now)
        before = Ceremony.objects.count()
        with pytest.raises(SignInChallengeInvalid):
            admin_sign_in.begin_mfa_sign_in(pending=pending(boss, bound_to=b"of another password"), now=now)
        assert Ceremony.objects.count() == before


class TestCompleteMfaSignIn:
    @pytest.fixture
    def boss(self):
        return UserFactory(username="boss", raw_password=PASSWORD, roles=["users:read"])

    def complete(self, user, code, *, now, bound_to=None):
        return admin_sign_in.complete_mfa_sign_in(
            pending=pending(user, bound_to=bound_to),
            response=FactorResponse(FactorMethod.TOTP, code),
            client=ClientContext(ip_address="203.0.113.7"),
            now=now,
        )

    def test_takes_a_code_once(self, boss, now, events):
        secret, _codes = add_totp(boss, now=now)

        signed_in = self.complete(boss, code_of(secret, now), now=now)

        session = Session.objects.get(kind=SessionKind.ADMIN)
        assert (signed_in.user, signed_in.session_id) == (boss, session.pk)
        assert (session.amr, session.second_factor_at) == (["pwd", "otp", "mfa"], now)
        assert KnownClient.objects.count() == 1
        with pytest.raises(MfaCodeInvalid):
            self.complete(boss, code_of(secret, now), now=now)

        assert events("admin.login_succeeded").count() == 1
        assert events("mfa.failed").count() == 1

    def test_ends_when_the_password_or_the_roles_change(self, boss, now):
        secret, _codes = add_totp(boss, now=now)
        with pytest.raises(SignInChallengeInvalid):
            self.complete(boss, code_of(secret, now), now=now, bound_to=b"of another password")
        User.objects.update(role_grants="")
        with pytest.raises(SignInChallengeInvalid):
            self.complete(boss, code_of(secret, now), now=now)
