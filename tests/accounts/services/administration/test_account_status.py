import pytest
from django.utils import timezone

from accounts.end_reasons import ACCOUNT_DEACTIVATED
from accounts.errors import InsufficientPrivileges
from accounts.services.administration import account_status
from accounts.services.sign_in import password_sign_in
from tests.factories.accounts import PASSWORD, UserFactory, give
from tests.factories.tokens import open_session
from tokens.end_reasons import ADMINISTRATOR
from tokens.models import Session

pytestmark = pytest.mark.django_db


@pytest.fixture
def person(phone):
    UserFactory(username="mina", raw_password=PASSWORD)
    return password_sign_in.sign_in(name="mina", password=PASSWORD, client=phone, now=timezone.now()).user


@pytest.fixture
def operator():
    return UserFactory(username="operator", admin=True)


class TestDeactivate:
    def test_closes_the_account_and_ends_its_sessions(self, person, operator, events):
        assert account_status.deactivate(user=person, by=operator, reason="asked for it", now=timezone.now())

        person.refresh_from_db()
        assert not person.is_active
        assert person.version == 2
        assert Session.objects.get().end_reason == ACCOUNT_DEACTIVATED.code
        event = events("account.deactivated").get()
        assert (event.actor_id, event.target_id) == (str(operator.pk), str(person.pk))
        assert event.data == {"note": "asked for it", "ended_sessions": 1}

    def test_does_nothing_to_a_closed_account(self, operator, events):
        closed = UserFactory(is_active=False)

        assert not account_status.deactivate(user=closed, by=operator, reason="again", now=timezone.now())
        assert not events("account.deactivated").exists()


class TestActivate:
    def test_opens_the_account_again(self, operator, events):
        closed = UserFactory(is_active=False)

        assert account_status.activate(user=closed, by=operator, reason="paid", now=timezone.now())

        closed.refresh_from_db()
        assert closed.is_active
        assert events("account.activated").get().data == {"note": "paid"}

    def test_does_nothing_to_an_open_account(self, person, operator, events):
        assert not account_status.activate(user=person, by=operator, reason="again", now=timezone.now())
        assert not events("account.activated").exists()


class TestEndSessions:
    def test_ends_all_sessions_of_a_user(self, person, operator, events):
        assert account_status.end_sessions(user=person, by=operator, reason="stolen laptop", now=timezone.now()) == 1

        assert Session.objects.get().end_reason == ADMINISTRATOR.code
        event = events("session.revoked").get()
        assert event.actor_id == str(operator.pk)
        assert event.data["note"] == "stolen laptop"


class TestEndSession:
    def test_ends_only_this_session(self, person, operator, events):
        other = open_session(user=person)

        assert account_status.end_session(
            session_id=other.session_id, user=person, by=operator, reason="not hers", now=timezone.now()
        )
        assert not account_status.end_session(
            session_id=other.session_id, user=person, by=operator, reason="again", now=timezone.now()
        )

        assert Session.objects.get(ended_at=None).pk != other.session_id
        event = events("session.revoked").get()
        assert (event.actor_id, event.data) == (str(operator.pk), {"reason": "administrator", "note": "not hers"})

    def test_requires_the_privileges_of_the_sessions_user(self, operator):
        helper = UserFactory()
        give(helper, "sessions:end")
        pair = open_session(user=operator)

        with pytest.raises(InsufficientPrivileges):
            account_status.end_session(
                session_id=pair.session_id, user=operator, by=helper, reason="upwards", now=timezone.now()
            )

        assert Session.objects.get().ended_at is None
