from datetime import timedelta

import pytest
from django.contrib.auth.hashers import make_password
from django.utils import timezone

from accounts import known_devices
from accounts.errors import AttemptsExhausted, CredentialsInvalid, MfaCodeInvalid, SignInChallengeInvalid
from accounts.models import KnownClient, User
from accounts.services.administration import admin_sign_in
from accounts.services.factors.second_factors import FactorResponse
from accounts.services.sign_in import password_sign_in
from accounts.types import FactorMethod
from tests import mailbox
from tests.factories.accounts import PASSWORD, UserFactory
from tests.factories.factors import add_totp, code_of
from tokens.models import Session, SessionKind
from tokens.types import ClientContext

pytestmark = pytest.mark.django_db


class TestSignIn:
    def test_knows_staff_and_signs_nobody_in_by_that_alone(self, phone, events):
        user = UserFactory(username="boss", raw_password=PASSWORD, is_staff=True)

        assert admin_sign_in.sign_in(name="boss@example.com", password=PASSWORD, client=phone) == user
        assert not events("admin.login_succeeded").exists()
        assert not Session.objects.exists()

    def test_upgrades_a_hash_that_has_become_too_cheap(self, phone, settings, events):
        user = UserFactory(username="boss", raw_password=PASSWORD, is_staff=True)
        settings.ACCOUNTS = {**settings.ACCOUNTS, "BCRYPT_ROUNDS": 5}

        signed_in = admin_sign_in.sign_in(name="boss", password=PASSWORD, client=phone)

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
    def test_turns_everybody_else_away_alike_and_records_why(self, phone, events, details, password, reason):
        if details is not None:
            UserFactory(username="boss", raw_password=PASSWORD, **details)

        assert admin_sign_in.sign_in(name="boss", password=password, client=phone) is None
        assert events("admin.login_failed").get().risk_reasons == [reason]

    def test_counts_wrong_passwords_together_with_the_api(self, phone):
        UserFactory(username="boss", raw_password=PASSWORD, is_staff=True)
        for _ in range(3):
            assert admin_sign_in.sign_in(name="boss", password="wrong", client=phone) is None
        for _ in range(2):
            with pytest.raises(CredentialsInvalid):
                password_sign_in.sign_in(name="boss", password="wrong", client=phone)

        with pytest.raises(AttemptsExhausted):
            admin_sign_in.sign_in(name="boss", password=PASSWORD, client=phone)

    def test_spares_a_device_that_somebody_has_signed_in_with_before(self, phone):
        user = UserFactory(username="boss", raw_password=PASSWORD, is_staff=True)
        cookie = known_devices.mint(user=user, device=None, now=timezone.now())
        stranger = ClientContext(ip_address="198.51.100.9", user_agent="Other/1.0")
        for _ in range(5):
            admin_sign_in.sign_in(name="boss", password="wrong", client=stranger)

        with pytest.raises(AttemptsExhausted):
            admin_sign_in.sign_in(name="boss", password=PASSWORD, client=stranger)
        assert admin_sign_in.sign_in(name="boss", password=PASSWORD, client=phone, device_token=cookie) == user

    def test_leaves_it_to_the_second_step_where_there_is_one(self, phone, now, events):
        user = UserFactory(username="boss", raw_password=PASSWORD, is_staff=True)
        add_totp(user, now=now)

        assert admin_sign_in.sign_in(name="boss", password=PASSWORD, client=phone, now=now) == user
        assert not KnownClient.objects.exists()
        assert not events("admin.login_succeeded").exists()
        assert events("mfa.challenged").count() == 1


class TestAdmit:
    @pytest.fixture
    def boss(self):
        return UserFactory(username="boss", raw_password=PASSWORD, is_staff=True)

    def test_opens_a_session_of_the_admin_and_records_both(self, boss, phone, now, events):
        signed_in = admin_sign_in.admit(user=boss, client=phone, now=now)

        session = Session.objects.get()
        assert (signed_in.user, signed_in.session_id) == (boss, session.pk)
        assert (session.kind, session.amr, session.ip_address) == (SessionKind.ADMIN, ["pwd"], "203.0.113.7")
        assert session.expires_at == now + timedelta(hours=12)
        assert KnownClient.objects.count() == 1
        assert User.objects.get().last_login == now
        event = events("admin.login_succeeded").get()
        assert (event.actor_id, event.data) == (str(boss.pk), {"amr": ["pwd"]})
        assert events("session.created").get().data == {"amr": ["pwd"], "kind": "admin"}

    def test_writes_to_people_who_sign_in_from_elsewhere(self, boss, phone, empty_queue):
        admin_sign_in.admit(user=boss, client=phone)
        admin_sign_in.admit(user=boss, client=phone)
        assert mailbox.queued() == []

        admin_sign_in.admit(user=boss, client=ClientContext(ip_address="198.51.100.9", user_agent="Other/1.0"))
        assert mailbox.queued() == ["new_device"]

    @pytest.mark.parametrize(
        "change", [{"password": make_password("another")}, {"is_active": False}, {"is_mfa_enabled": True}]
    )
    def test_lets_nobody_in_whose_account_has_changed_since(self, boss, phone, events, change):
        User.objects.update(**change)

        with pytest.raises(SignInChallengeInvalid):
            admin_sign_in.admit(user=boss, client=phone)

        assert not Session.objects.exists()
        assert events("admin.login_failed").get().risk_reasons == ["changed_meanwhile"]


class TestComplete:
    @pytest.fixture
    def boss(self):
        return UserFactory(username="boss", raw_password=PASSWORD, is_staff=True)

    def complete(self, user, code, *, now, bound_to=None):
        return admin_sign_in.complete(
            user_id=user.pk,
            bound_to=bound_to or admin_sign_in.binding(user=user),
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

    def test_ends_with_the_password_and_the_standing(self, boss, now):
        secret, _codes = add_totp(boss, now=now)
        with pytest.raises(SignInChallengeInvalid):
            self.complete(boss, code_of(secret, now), now=now, bound_to=b"of another password")
        User.objects.update(is_staff=False)
        with pytest.raises(SignInChallengeInvalid):
            self.complete(boss, code_of(secret, now), now=now)
