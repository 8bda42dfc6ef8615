import json
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from accounts.end_reasons import ACCOUNT_DELETED
from accounts.errors import CredentialsInvalid, DetailsInvalid, LastAdministrator, UsernameTaken
from accounts.models import SignInChallenge, User
from accounts.services.factors import sign_in_challenges
from accounts.services.profile import deletion
from accounts.services.sign_in import password_sign_in, registration
from tests.accounts.services.interference import Interference
from tests.factories.accounts import PASSWORD, UserFactory
from tokens.errors import SessionRevoked
from tokens.models import Session
from tokens.services import verification

pytestmark = pytest.mark.django_db
RETENTION = timedelta(days=30)


@pytest.fixture
def signed_in(phone):
    UserFactory(username="mina", raw_password=PASSWORD)
    return password_sign_in.sign_in(name="mina", password=PASSWORD, client=phone, now=timezone.now())


@pytest.fixture
def administrator():
    return UserFactory(username="operator", admin=True)


def request(signed_in, password=PASSWORD, **options):
    return deletion.request(
        user=signed_in.user,
        session_id=signed_in.tokens.session_id,
        password=password,
        **{"now": timezone.now(), **options},
    )


def deletion_mails():
    with connection.cursor() as cursor:
        cursor.execute("SELECT args FROM procrastinate_jobs WHERE args ->> 'kind' = 'deletion_requested'")
        return [json.loads(args) for (args,) in cursor.fetchall()]


@pytest.mark.usefixtures("empty_queue")
class TestRequest:
    def test_closes_the_account_and_returns_when_it_is_erased(self, signed_in, now, events):
        assert request(signed_in, now=now) == now + RETENTION

        user = User.objects.get(username="mina")
        assert (user.deleted_at, user.version) == (now, 2)
        assert Session.objects.get().end_reason == ACCOUNT_DELETED.code
        event = events("account.deletion_requested").get()
        assert (event.actor_id, event.target_id) == (str(user.pk), str(user.pk))
        assert event.data == {"ended_sessions": 1}
        (args,) = deletion_mails()
        assert args["user_id"] == str(user.pk)
        assert args["details"] == {"erased_after": (now + RETENTION).isoformat()}

    def test_takes_the_retention_from_the_settings(self, signed_in, now, settings):
        settings.ACCOUNTS = {**settings.ACCOUNTS, "DELETION_RETENTION": timedelta(0)}

        assert request(signed_in, now=now) == now

    def test_ends_all_sessions_and_sign_ins(self, signed_in, phone):
        other = password_sign_in.sign_in(name="mina", password=PASSWORD, client=phone, now=timezone.now())
        sign_in_challenges.issue(user=signed_in.user, amr=["pwd"], now=timezone.now())
        request(signed_in)

        for pair in (signed_in.tokens, other.tokens):
            with pytest.raises(SessionRevoked):
                verification.authenticate(presented=pair.access_token, now=timezone.now())
        assert not SignInChallenge.objects.exists()
        with pytest.raises(CredentialsInvalid):
            password_sign_in.sign_in(name="mina", password=PASSWORD, client=phone, now=timezone.now())

    @pytest.mark.usefixtures("optional_confirmation")
    def test_keeps_name_and_address_from_others(self, signed_in, phone):
        request(signed_in)

        with pytest.raises(UsernameTaken):
            registration.register(
                application=registration.RegistrationRequest(
                    username="MINA", email="new@example.com", password=PASSWORD
                ),
                client=phone,
                now=timezone.now(),
            )

    def test_refuses_a_wrong_password(self, signed_in, events):
        with pytest.raises(CredentialsInvalid):
            request(signed_in, password="wrong")

        assert User.objects.present().filter(username="mina").exists()
        assert events("authentication.reauthentication_failed").get().risk_reasons == ["wrong_password"]
        assert deletion_mails() == []

    def test_requires_the_password_of_users_who_have_one(self, signed_in):
        with pytest.raises(DetailsInvalid) as refused:
            request(signed_in, password=None)

        assert [(problem.field, problem.code) for problem in refused.value.problems] == [("password", "required")]

    def test_requires_nothing_of_users_without_a_password(self, phone):
        user = UserFactory()
        signed_in = password_sign_in.complete_sign_in(user=user, amr=["google"], client=phone, now=timezone.now())
        assert not deletion.requires_password(user=user)

        with pytest.raises(CredentialsInvalid):
            request(signed_in, password="anything")
        request(signed_in, password=None)

        assert not User.objects.present().filter(pk=user.pk).exists()

    def test_loses_to_a_password_change_in_between(self, signed_in, settings, events):
        def change():
            User.objects.filter(username="mina").update(password="!changed")

        Interference.change = change
        settings.ACCOUNTS = {
            **settings.ACCOUNTS,
            "WHILE_HASHING": "tests.accounts.services.interference.Interference",
        }
        with pytest.raises(CredentialsInvalid):
            request(signed_in)

        assert User.objects.present().filter(username="mina").exists()
        assert events("authentication.reauthentication_failed").get().risk_reasons == ["changed_meanwhile"]

    def test_refuses_the_last_administrator(self, phone, events):
        UserFactory(username="root", admin=True, raw_password=PASSWORD)
        UserFactory(admin=True, is_active=False)
        signed_in = password_sign_in.sign_in(name="root", password=PASSWORD, client=phone, now=timezone.now())

        UserFactory(admin=True)  # who can't sign in
        with pytest.raises(LastAdministrator):
            request(signed_in)
        UserFactory(admin=True, raw_password=PASSWORD)
        request(signed_in)

        assert events("account.deletion_requested").count() == 1


class TestClose:
    def test_closes_for_an_operator(self, signed_in, administrator, events):
        assert deletion.close(user=signed_in.user, reason="asked by letter", by=administrator, now=timezone.now())
        assert not deletion.close(user=signed_in.user, reason="again", by=administrator, now=timezone.now())

        event = events("account.deletion_requested").get()
        assert event.actor_id == str(administrator.pk)
        assert event.data == {"note": "asked by letter", "ended_sessions": 1}
        assert Session.objects.get().ended_at is not None

    def test_refuses_the_last_administrator(self, administrator):
        with pytest.raises(LastAdministrator):
            deletion.close(user=administrator, reason="gone", now=timezone.now())


class TestRestore:
    def test_restores_the_account_but_not_its_sessions(self, signed_in, administrator, phone, events):
        request(signed_in)

        assert deletion.restore(user=signed_in.user, by=administrator, reason="changed her mind", now=timezone.now())

        assert password_sign_in.sign_in(name="mina", password=PASSWORD, client=phone, now=timezone.now())
        with pytest.raises(SessionRevoked):
            verification.authenticate(presented=signed_in.tokens.access_token, now=timezone.now())
        event = events("account.restored").get()
        assert (event.actor_id, event.data) == (str(administrator.pk), {"note": "changed her mind"})

    def test_does_nothing_to_an_account_that_is_not_deleted(self, signed_in, administrator, events):
        assert not deletion.restore(user=signed_in.user, by=administrator, reason="by mistake", now=timezone.now())
        assert not events("account.restored").exists()
