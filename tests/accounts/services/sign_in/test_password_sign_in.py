import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.contrib.auth.hashers import make_password
from django.db import connections
from django.utils import timezone

from accounts.client_tokens import known_devices
from accounts.errors import AccountDisabled, CredentialsInvalid, EmailNotConfirmed
from accounts.models import User
from accounts.services.sign_in import password_sign_in
from tests.accounts.services.interference import Interference
from tests.factories.accounts import PASSWORD, UserFactory
from tokens.end_reasons import ADMINISTRATOR
from tokens.errors import SessionLimitReached, SessionRevoked
from tokens.models import Session
from tokens.services import revocation


def sign_in(phone, name="mina", password=PASSWORD, **more):
    return password_sign_in.sign_in(
        **{"name": name, "password": password, "client": phone, "now": timezone.now(), **more}
    )


@pytest.mark.django_db
class TestSignIn:
    @pytest.mark.parametrize("name", ["mina", "MINA", "mina@example.com", "Mina@EXAMPLE.com"])
    def test_finds_people_by_name_and_address_in_any_case(self, phone, name):
        user = UserFactory(username="mina", raw_password=PASSWORD)

        signed_in = sign_in(phone, name=name)

        assert signed_in.user == user
        assert Session.objects.get().user == user
        assert Session.objects.get().id == signed_in.tokens.session_id

    def test_notes_when_and_records_it_once(self, phone, now, events):
        user = UserFactory(username="mina", raw_password=PASSWORD)

        sign_in(phone, now=now)

        user.refresh_from_db()
        assert user.last_login == now
        event = events("authentication.login_succeeded").get()
        assert (event.actor_id, event.actor_name) == (str(user.pk), "mi***")
        assert events("session.created").count() == 1

    def test_records_whether_the_client_is_new_and_for_how_many_days_nobody_signed_in(self, phone, now, events):
        UserFactory(username="mina", raw_password=PASSWORD)

        sign_in(phone, now=now)
        sign_in(phone, now=now + timedelta(days=100, hours=1))

        recorded = [event.data for event in events("authentication.login_succeeded").order_by("occurred_at")]
        assert [(data["is_new_client"], data["days_since_last"]) for data in recorded] == [(True, 0), (False, 100)]

    @pytest.mark.parametrize(
        ("name", "reason"),
        [("mina", "wrong_password"), ("nobody", "unknown_name"), ("nobody@example.com", "unknown_name")],
    )
    def test_refuses_unknown_names_and_wrong_passwords_alike_and_records_why(self, phone, name, reason, events):
        UserFactory(username="mina", raw_password=PASSWORD)

        with pytest.raises(CredentialsInvalid):
            sign_in(phone, name=name, password="another password")

        event = events("authentication.login_failed").get()
        assert event.risk_reasons == [reason]
        assert event.outcome == "failure"
        assert name not in event.actor_name
        assert "another password" not in str(vars(event))
        assert not Session.objects.exists()

    @pytest.mark.parametrize("password", [PASSWORD + " ", PASSWORD.upper(), " " + PASSWORD, PASSWORD[:-1], ""])
    def test_takes_passwords_exactly(self, phone, password):
        UserFactory(username="mina", raw_password=PASSWORD)

        with pytest.raises(CredentialsInvalid):
            sign_in(phone, password=password)

    def test_says_that_an_account_is_disabled_only_after_the_right_password(self, phone, events):
        UserFactory(username="mina", raw_password=PASSWORD, is_active=False)

        with pytest.raises(CredentialsInvalid):
            sign_in(phone, password="wrong")
        with pytest.raises(AccountDisabled):
            sign_in(phone)

        assert events("authentication.login_failed").filter(risk_reasons=["disabled"]).count() == 1

    def test_says_that_an_address_is_unconfirmed_only_after_the_right_password(
        self, phone, required_confirmation, events
    ):
        UserFactory(username="mina", raw_password=PASSWORD, email_confirmed_at=None)

        with pytest.raises(CredentialsInvalid):
            sign_in(phone, password="wrong")
        with pytest.raises(EmailNotConfirmed):
            sign_in(phone)

        assert events("authentication.login_failed").filter(risk_reasons=["unconfirmed"]).count() == 1

    def test_lets_people_with_unconfirmed_addresses_in_where_that_is_optional(self, phone, optional_confirmation):
        UserFactory(username="mina", raw_password=PASSWORD, email_confirmed_at=None)

        assert sign_in(phone).tokens

    def test_treats_deleted_people_as_unknown(self, phone, now):
        UserFactory(username="mina", raw_password=PASSWORD, deleted_at=now)

        with pytest.raises(CredentialsInvalid):
            sign_in(phone)

    def test_refuses_people_without_a_password(self, phone):
        UserFactory(username="mina")

        with pytest.raises(CredentialsInvalid):
            sign_in(phone, password="!")

    def test_upgrades_a_hash_that_has_become_too_cheap(self, phone, settings, events):
        user = UserFactory(username="mina", raw_password=PASSWORD)
        settings.ACCOUNTS = {**settings.ACCOUNTS, "BCRYPT_ROUNDS": 5}

        sign_in(phone)

        user.refresh_from_db()
        assert user.password.startswith("bcrypt_sha256$$2b$05$")
        assert user.check_password(PASSWORD)
        assert events("password.hash_upgraded").count() == 1

    def test_does_not_count_the_session_limit_as_a_failure(self, phone, settings, events):
        user = UserFactory(username="mina", raw_password=PASSWORD)
        settings.TOKENS = {**settings.TOKENS, "MAX_SESSIONS_PER_USER": 1, "SESSION_OVERFLOW": "reject"}
        sign_in(phone)
        user.refresh_from_db()

        with pytest.raises(SessionLimitReached):
            sign_in(phone)

        assert not events("authentication.login_failed").exists()
        assert events("authentication.login_succeeded").count() == 1
        assert User.objects.get().last_login == user.last_login


@pytest.mark.django_db(transaction=True)
class TestSignInAtTheDatabase:
    def test_takes_eight_statements_with_begin_and_commit(self, phone, counted):
        UserFactory(username="mina", raw_password=PASSWORD)
        sign_in(phone)

        with counted() as statements:
            sign_in(phone)

        assert len(statements) == 8, statements.sql  # two of them are the risk's, before the transaction
        assert statements.sql[4] == "BEGIN"
        assert statements.sql[-1] == "COMMIT"

    def test_takes_one_more_when_it_upgrades_the_hash(self, phone, counted, settings):
        UserFactory(username="mina", raw_password=PASSWORD)
        sign_in(phone)
        settings.ACCOUNTS = {**settings.ACCOUNTS, "BCRYPT_ROUNDS": 5}

        with counted() as statements:
            sign_in(phone)

        assert len(statements) == 9, statements.sql

    def test_does_the_same_work_whatever_the_refusal(self, phone, counted, hashing_recorder):
        UserFactory(username="mina", raw_password=PASSWORD)
        UserFactory(username="disabled", raw_password=PASSWORD, is_active=False)
        UserFactory(username="unusable")
        work = []
        for name in ("mina", "disabled", "unusable", "nobody", "mina@example.com", "nobody@example.com"):
            hashing_recorder.open_transactions.clear()
            with counted() as statements, pytest.raises(CredentialsInvalid):
                sign_in(phone, name=name, password="wrong")
            work.append((len(statements), len(hashing_recorder.open_transactions)))

        assert work == [(3, 1)] * 6

    def test_opens_no_transaction_around_the_hash(self, phone, hashing_recorder):
        UserFactory(username="mina", raw_password=PASSWORD)

        sign_in(phone)

        assert hashing_recorder.open_transactions == [False]

    @pytest.mark.parametrize(
        "change",
        [
            {"password": make_password("a new password")},
            {"is_active": False},
            {"deleted_at": "2026-01-01T00:00:00Z"},
        ],
    )
    def test_loses_against_a_change_that_commits_while_the_hash_is_computed(self, phone, settings, change, events):
        user = UserFactory(username="mina", raw_password=PASSWORD)
        Interference.change = lambda: User.objects.filter(pk=user.pk).update(**change)
        settings.ACCOUNTS = {**settings.ACCOUNTS, "WHILE_HASHING": "tests.accounts.services.interference.Interference"}

        with pytest.raises(CredentialsInvalid):
            sign_in(phone)

        assert not Session.objects.exists()
        assert events("authentication.login_failed").get().risk_reasons == ["changed_meanwhile"]

    def test_keeps_the_session_limit_under_simultaneous_sign_ins(self, phone):
        user = UserFactory(username="mina", raw_password=PASSWORD)
        # Or the phone would be a stranger, of whom fewer passwords are checked at a time.
        cookie = known_devices.mint(user=user, device=None, now=timezone.now())
        barrier = threading.Barrier(8)

        def one(_number):
            try:
                barrier.wait(timeout=60)
                return sign_in(phone, device_token=cookie)
            finally:
                connections.close_all()

        with ThreadPoolExecutor(8) as pool:
            assert all(pool.map(one, range(8)))
        assert Session.objects.filter(user=user, ended_at=None).count() == 5


@pytest.mark.django_db
class TestReauthenticate:
    def test_moves_the_moment_of_authentication(self, phone, now, events):
        UserFactory(username="mina", raw_password=PASSWORD)
        signed_in = sign_in(phone)

        at = password_sign_in.reauthenticate(
            user=signed_in.user, session_id=signed_in.tokens.session_id, password=PASSWORD, now=now
        )

        assert at == now
        assert Session.objects.get().authenticated_at == now
        assert events("authentication.reauthenticated").get().session_id == signed_in.tokens.session_id

    def test_refuses_and_records_a_wrong_password(self, phone, events):
        UserFactory(username="mina", raw_password=PASSWORD)
        signed_in = sign_in(phone)
        before = Session.objects.get().authenticated_at

        with pytest.raises(CredentialsInvalid):
            password_sign_in.reauthenticate(
                user=signed_in.user, session_id=signed_in.tokens.session_id, password="wrong", now=timezone.now()
            )

        assert Session.objects.get().authenticated_at == before
        assert events("authentication.reauthentication_failed").get().risk_reasons == ["wrong_password"]

    def test_does_not_revive_a_session_that_has_ended(self, phone, events):
        UserFactory(username="mina", raw_password=PASSWORD)
        signed_in = sign_in(phone)
        revocation.end_sessions(user_id=signed_in.user.pk, reason=ADMINISTRATOR, now=timezone.now())

        with pytest.raises(SessionRevoked):
            password_sign_in.reauthenticate(
                user=signed_in.user, session_id=signed_in.tokens.session_id, password=PASSWORD, now=timezone.now()
            )

        assert not events("authentication.reauthenticated").exists()
