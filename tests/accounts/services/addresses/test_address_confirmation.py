import pytest
from django.utils import timezone

from accounts.errors import EmailTaken, MailedTokenInvalid
from accounts.models import MailedTokenPurpose, User
from accounts.services.addresses import address_change, address_confirmation
from accounts.services.mailing import mail_queue
from accounts.services.sign_in.registration_confirmation import ConfirmationRequest
from tests import mailbox
from tests.accounts.services.interference import Interference
from tests.factories.accounts import PASSWORD, UserFactory
from tests.factories.tokens import open_session
from tokens.models import Session

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("empty_queue")]

HOLDER = ConfirmationRequest(password=PASSWORD)


def confirmation_token(user):
    mail_queue.enqueue(user_id=user.pk, kind=mail_queue.MailKind.CONFIRM_EMAIL)
    return mailbox.token_in(mailbox.work()[0])


def change_token(user, address):
    session_id = open_session(user=user).session_id
    address_change.request(user=user, session_id=session_id, email=address, password=PASSWORD, now=timezone.now())
    (message,) = [message for message in mailbox.work() if message.to == [address]]
    return mailbox.token_in(message)


class TestConfirm:
    def test_confirms_the_address_once(self, events):
        user = UserFactory(email_confirmed_at=None, raw_password=PASSWORD)
        token = confirmation_token(user)

        assert (
            address_confirmation.confirm(token=token, confirmation=HOLDER, now=timezone.now())
            is address_confirmation.ConfirmationOutcome.CONFIRMED
        )

        stored = User.objects.get()
        assert stored.is_email_confirmed
        assert stored.version == 2
        assert events("email.confirmed").get().target_id == str(user.pk)
        with pytest.raises(MailedTokenInvalid):
            address_confirmation.confirm(token=token, now=timezone.now())
        assert events("email.token_refused").count() == 1

    def test_of_what_is_confirmed_already_changes_nothing(self, events, now):
        user = UserFactory(email_confirmed_at=None)
        token = confirmation_token(user)
        User.objects.update(email_confirmed_at=now)

        assert (
            address_confirmation.confirm(token=token, now=timezone.now())
            is address_confirmation.ConfirmationOutcome.CONFIRMED
        )
        assert User.objects.get().email_confirmed_at == now
        assert not events("email.confirmed").exists()

    def test_refuses_tokens_of_other_purposes(self):
        user = UserFactory()
        mail_queue.enqueue(user_id=user.pk, kind=mail_queue.MailKind.RESET_PASSWORD)
        token = mailbox.token_in(mailbox.work()[0])

        with pytest.raises(MailedTokenInvalid):
            address_confirmation.confirm(token=token, now=timezone.now())

    def test_of_a_new_address_changes_to_it_and_mails_the_former_one(self, events):
        user = UserFactory(email="old@example.com", raw_password=PASSWORD)
        token = change_token(user, "New@example.com")

        assert (
            address_confirmation.confirm(token=token, confirmation=HOLDER, now=timezone.now())
            is address_confirmation.ConfirmationOutcome.CHANGED
        )

        stored = User.objects.get()
        assert (stored.email, stored.email_folded) == ("New@example.com", "new@example.com")
        assert stored.is_email_confirmed
        assert Session.objects.filter(ended_at=None).count() == 1
        assert "old@example.com" not in str(events("email.changed").get().data)
        (notice,) = mailbox.work()
        assert notice.to == ["old@example.com"]
        assert mailbox.link_in(notice)[1] == "not-me"

    def test_of_an_address_that_was_taken_meanwhile_is_refused_and_can_be_tried_again(self):
        user = UserFactory(email="old@example.com", raw_password=PASSWORD)
        token = change_token(user, "new@example.com")
        rival = UserFactory(email="new@example.com")

        with pytest.raises(EmailTaken):
            address_confirmation.confirm(token=token, confirmation=HOLDER, now=timezone.now())
        assert User.objects.get(pk=user.pk).email == "old@example.com"
        assert mailbox.queued() == []

        rival.delete()
        assert (
            address_confirmation.confirm(token=token, confirmation=HOLDER, now=timezone.now())
            is address_confirmation.ConfirmationOutcome.CHANGED
        )

    @pytest.mark.parametrize(
        "issue", [confirmation_token, lambda user: change_token(user, "new@example.com")], ids=["confirm", "change"]
    )
    def test_gives_way_to_a_password_that_was_set_meanwhile(self, settings, issue):
        user = UserFactory(email="old@example.com", email_confirmed_at=None, raw_password=PASSWORD)
        token = issue(user)
        Interference.change = lambda: User.objects.update(password="!changed meanwhile")
        settings.ACCOUNTS = {**settings.ACCOUNTS, "WHILE_HASHING": "tests.accounts.services.interference.Interference"}

        with pytest.raises(MailedTokenInvalid):
            address_confirmation.confirm(token=token, confirmation=HOLDER, now=timezone.now())

        stored = User.objects.get()
        assert (stored.email, stored.is_email_confirmed) == ("old@example.com", False)
        assert stored.password == "!changed meanwhile"

    def test_has_three_purposes(self):
        assert set(address_confirmation.PURPOSES) == {
            MailedTokenPurpose.OPEN_ACCOUNT,
            MailedTokenPurpose.CONFIRM_EMAIL,
            MailedTokenPurpose.CHANGE_EMAIL,
        }
