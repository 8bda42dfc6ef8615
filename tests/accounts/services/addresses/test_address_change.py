import pytest
from django.utils import timezone

from accounts.errors import CredentialsInvalid, DetailsInvalid, MailedTokenInvalid
from accounts.models import User
from accounts.services.addresses import address_change, address_confirmation
from accounts.services.passwords import password_changes
from accounts.services.sign_in.registration_confirmation import ConfirmationRequest
from tests import mailbox
from tests.accounts.services.interference import Interference
from tests.factories.accounts import PASSWORD, UserFactory
from tests.factories.tokens import open_session

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("empty_queue")]


@pytest.fixture
def session(db):
    return open_session(user=UserFactory(email="old@example.com", raw_password=PASSWORD))


def ask(session, email="new@example.com", password=PASSWORD):
    user = User.objects.defer("password").get(email="old@example.com")
    address_change.request(user=user, session_id=session.session_id, email=email, password=password, now=timezone.now())


class TestRequest:
    def test_writes_to_both_addresses_and_changes_nothing_yet(self, session, events):
        ask(session)

        assert User.objects.get().email == "old@example.com"
        messages = {message.to[0]: message for message in mailbox.work()}
        assert mailbox.link_in(messages["new@example.com"])[1] == "confirm-email"
        assert mailbox.link_in(messages["old@example.com"])[1] == "not-me"
        event = events("email.change_requested").get()
        assert (event.session_id, event.outcome) == (session.session_id, "success")
        assert "new@example.com" not in str(vars(event))

    def test_does_not_say_that_an_address_is_taken_but_writes_to_its_owner(self, session):
        UserFactory(email="New@example.com")

        ask(session)

        sent = {message.to[0]: message.subject for message in mailbox.work()}
        assert sent == {
            "old@example.com": "Your e-mail address is about to change",
            "New@example.com": "You already have an account",
        }

    def test_needs_the_password(self, session, events):
        with pytest.raises(CredentialsInvalid):
            ask(session, password="not the password")

        assert mailbox.queued() == []
        assert events("email.change_requested").get().outcome == "failure"

    def test_does_not_take_a_password_that_changed_meanwhile(self, session, settings):
        Interference.change = lambda: User.objects.update(password="!gone")
        settings.ACCOUNTS = {**settings.ACCOUNTS, "WHILE_HASHING": "tests.accounts.services.interference.Interference"}

        with pytest.raises(CredentialsInvalid):
            ask(session)
        assert mailbox.queued() == []

    def test_refuses_what_is_no_address(self, session):
        with pytest.raises(DetailsInvalid):
            ask(session, email="new example.com")

    def test_dies_with_the_password_of_that_moment(self, session):
        ask(session)
        token = mailbox.token_in(next(m for m in mailbox.work() if m.to == ["new@example.com"]))
        password_changes.change(
            user=User.objects.get(),
            session_id=session.session_id,
            old_password=PASSWORD,
            new_password="copper lantern seven owls",
            now=timezone.now(),
        )

        with pytest.raises(MailedTokenInvalid):
            address_confirmation.confirm(token=token, now=timezone.now())

    def test_that_is_repeated_leaves_the_last_link_alone_in_force(self, session):
        ask(session, email="first@example.com")
        first = mailbox.token_in(next(m for m in mailbox.work() if m.to == ["first@example.com"]))
        ask(session, email="second@example.com")
        second = mailbox.token_in(next(m for m in mailbox.work() if m.to == ["second@example.com"]))

        with pytest.raises(MailedTokenInvalid):
            address_confirmation.confirm(token=first, now=timezone.now())
        address_confirmation.confirm(
            token=second, confirmation=ConfirmationRequest(password=PASSWORD), now=timezone.now()
        )
        assert User.objects.get().email == "second@example.com"
