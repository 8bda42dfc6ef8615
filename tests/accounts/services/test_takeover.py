import pytest

from accounts.errors import MailedTokenInvalid
from accounts.models import MailedToken, PasswordHistory, User
from accounts.services import address_change, authentication, confirmation, mail, recovery, takeover
from tests import mailbox
from tests.factories.accounts import PASSWORD, UserFactory
from tests.factories.tokens import open_session
from tokens.models import EndReason, Session

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("empty_queue")]
NEW = "copper lantern seven owls"
LOCKED = "Your account is locked: choose a new password"


@pytest.fixture
def user(db):
    return UserFactory(username="mina", email="mina@example.com", raw_password=PASSWORD)


def notice(user, kind=mail.Kind.PASSWORD_CHANGED):
    mail.enqueue(user_id=user.pk, kind=kind)
    return mailbox.token_in(mailbox.work()[-1])


def change_address(user, address):
    session_id = open_session(user=user).session_id
    address_change.request(user=User.objects.get(), session_id=session_id, email=address, password=PASSWORD)
    link = next(message for message in mailbox.work() if message.to == [address])
    confirmation.confirm(token=mailbox.token_in(link))


class TestReport:
    def test_ends_everything_and_mails_a_link_to_a_new_password(self, user, events):
        open_session(user=user)

        assert takeover.report(token=notice(user)).is_restored

        stored = User.objects.get()
        assert not stored.has_usable_password()
        assert Session.objects.get().end_reason == EndReason.TAKEOVER_REPORTED
        assert PasswordHistory.objects.count() == 1
        assert events("account.takeover_reported").get().data == {"ended_sessions": 1, "is_restored": True}
        (link,) = mailbox.work()
        recovery.reset(token=mailbox.token_in(link), new_password=NEW)
        assert User.objects.get().check_password(NEW)

    def test_mails_its_link_however_many_links_the_intruder_asked_for(self, user):
        token = notice(user)
        for _ in range(4):
            mail.enqueue(user_id=user.pk, kind=mail.Kind.RESET_PASSWORD)
        mailbox.work()

        takeover.report(token=token)

        (link,) = mailbox.work()
        recovery.reset(token=mailbox.token_in(link), new_password=NEW)

    def test_works_once(self, user):
        token = notice(user)
        takeover.report(token=token)

        with pytest.raises(MailedTokenInvalid):
            takeover.report(token=token)

    def test_gives_the_account_its_former_address_back(self, user, events):
        change_address(user, "intruder@example.com")
        (told,) = [message for message in mailbox.work() if message.to == ["mina@example.com"]]

        takeover.report(token=mailbox.token_in(told))

        assert User.objects.get().email == "mina@example.com"
        assert events("email.restored").count() == 1
        sent = {message.to[0]: message.subject for message in mailbox.work()}
        assert sent == {
            "intruder@example.com": "Your e-mail address was set back", "mina@example.com": LOCKED,
        }  # fmt: skip

    def test_ends_links_that_the_intruder_asked_for_and_later_notices(self, user):
        first = notice(user)
        change_address(user, "intruder@example.com")
        later = notice(User.objects.get(), mail.Kind.FACTOR_ADDED)
        mail.enqueue(user_id=user.pk, kind=mail.Kind.RESET_PASSWORD)
        reset = mailbox.token_in(mailbox.work()[-1])

        takeover.report(token=first)

        assert User.objects.get().email == "mina@example.com"
        with pytest.raises(MailedTokenInvalid):
            takeover.report(token=later)
        with pytest.raises(MailedTokenInvalid):
            recovery.reset(token=reset, new_password=NEW)

    def test_keeps_later_notices_from_being_sent_to_the_intruder(self, user):
        first = notice(user)
        change_address(user, "intruder@example.com")
        mailbox.work()
        mail.enqueue(user_id=user.pk, kind=mail.Kind.FACTOR_ADDED)  # while the mail server is away, say

        takeover.report(token=first)

        sent = {message.to[0]: message.subject for message in mailbox.work()}
        assert sent == {
            "intruder@example.com": "Your e-mail address was set back", "mina@example.com": LOCKED,
        }  # fmt: skip
        assert MailedToken.objects.filter(address="intruder@example.com", used_at=None).count() == 0

    def test_by_a_later_notice_does_not_end_the_earlier_ones(self, user):
        first = notice(user)
        change_address(user, "intruder@example.com")
        later = notice(User.objects.get(), mail.Kind.FACTOR_ADDED)
        takeover.report(token=later)

        assert takeover.report(token=first).is_restored
        assert User.objects.get().email == "mina@example.com"

    def test_closes_the_account_where_the_former_address_is_somebodys(self, user):
        first = notice(user)
        change_address(user, "intruder@example.com")
        mailbox.work()
        UserFactory(email="mina@example.com")

        assert not takeover.report(token=first).is_restored

        stored = User.objects.get(pk=user.pk)
        assert not stored.is_active
        assert not stored.has_usable_password()
        assert mailbox.queued() == []

    def test_keeps_an_account_that_the_intruder_deleted(self, user, now):
        token = notice(user, mail.Kind.DELETION_REQUESTED)
        User.objects.update(deleted_at=now)

        takeover.report(token=token)

        assert User.objects.get().deleted_at is None

    def test_leaves_no_password_to_sign_in_with(self, user, phone):
        takeover.report(token=notice(user))

        with pytest.raises(authentication.CredentialsInvalid):
            authentication.sign_in(name="mina", password=PASSWORD, client=phone)
