from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from accounts.end_reasons import TAKEOVER_REPORTED
from accounts.errors import MailedTokenInvalid
from accounts.factors import enrolled
from accounts.identifiers.names import held_key
from accounts.models import MailedToken, OutgoingMail, PasswordHistory, TotpSecret, User
from accounts.providers import links
from accounts.services.addresses import address_change, address_confirmation
from accounts.services.mailing import mail_queue
from accounts.services.passwords import password_reset
from accounts.services.profile import takeover
from accounts.services.sign_in import password_sign_in
from accounts.services.sign_in.registration_confirmation import ConfirmationRequest
from tests import mailbox
from tests.factories import social
from tests.factories.accounts import PASSWORD, UserFactory
from tests.factories.factors import add_key, add_totp
from tests.factories.tokens import open_session
from tokens.models import Session
from tokens.types import ClientContext

ANYWHERE = ClientContext()
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("empty_queue")]
DAY = timedelta(days=1)
NEW = "copper lantern seven owls"
LOCKED = "Your account is locked: choose a new password"


@pytest.fixture
def user(db):
    return UserFactory(username="mina", email="mina@example.com", raw_password=PASSWORD)


def notice(user, kind=mail_queue.MailKind.PASSWORD_CHANGED):
    mail_queue.enqueue(user_id=user.pk, kind=kind)
    return mailbox.token_in(mailbox.work()[-1])


def change_address(user, address):
    session_id = open_session(user=user).session_id
    address_change.request(
        user=User.objects.get(), session_id=session_id, email=address, password=PASSWORD, now=timezone.now()
    )
    link = next(message for message in mailbox.work() if message.to == [address])
    address_confirmation.confirm(
        token=mailbox.token_in(link), confirmation=ConfirmationRequest(password=PASSWORD), now=timezone.now()
    )


class TestReport:
    def test_ends_everything_and_mails_a_link_to_a_new_password(self, user, events):
        open_session(user=user)

        assert takeover.report(token=notice(user), now=timezone.now()).is_restored

        stored = User.objects.get()
        assert not stored.has_usable_password()
        assert Session.objects.get().end_reason == TAKEOVER_REPORTED.code
        assert PasswordHistory.objects.count() == 1
        assert events("account.takeover_reported").get().data == {
            "ended_sessions": 1,
            "is_restored": True,
            "removed_factors": 0,
            "removed_social_accounts": 0,
            "removed_pending_links": 0,
        }
        (link,) = mailbox.work()
        password_reset.reset(token=mailbox.token_in(link), new_password=NEW, client=ANYWHERE, now=timezone.now())
        assert User.objects.get().check_password(NEW)

    def test_mails_its_link_however_many_links_the_intruder_asked_for(self, user):
        token = notice(user)
        for _ in range(4):
            mail_queue.enqueue(user_id=user.pk, kind=mail_queue.MailKind.RESET_PASSWORD)
        mailbox.work()

        takeover.report(token=token, now=timezone.now())

        (link,) = mailbox.work()
        password_reset.reset(token=mailbox.token_in(link), new_password=NEW, client=ANYWHERE, now=timezone.now())

    def test_works_once(self, user):
        token = notice(user)
        takeover.report(token=token, now=timezone.now())

        with pytest.raises(MailedTokenInvalid):
            takeover.report(token=token, now=timezone.now())

    def test_gives_the_account_its_former_address_back(self, user, events):
        change_address(user, "intruder@example.com")
        (told,) = [message for message in mailbox.work() if message.to == ["mina@example.com"]]

        takeover.report(token=mailbox.token_in(told), now=timezone.now())

        assert User.objects.get().email == "mina@example.com"
        assert events("email.restored").count() == 1
        sent = {message.to[0]: message.subject for message in mailbox.work()}
        assert sent == {
            "intruder@example.com": "Your e-mail address was set back",
            "mina@example.com": LOCKED,
        }

    def test_restores_the_former_address_if_the_later_one_is_on_hold_and_mails_nothing_there(self, user, events):
        token = notice(user)
        User.objects.update(email="\u017fam@example.com", email_folded=held_key(user.pk))

        assert takeover.report(token=token, now=timezone.now()).is_restored

        assert User.objects.get().email_folded == "mina@example.com"
        assert [message.to for message in mailbox.work()] == [["mina@example.com"]]
        assert events("email.restored").count() == 1

    def test_ends_links_that_the_intruder_asked_for_and_later_notices(self, user):
        first = notice(user)
        change_address(user, "intruder@example.com")
        later = notice(User.objects.get(), mail_queue.MailKind.FACTOR_ADDED)
        mail_queue.enqueue(user_id=user.pk, kind=mail_queue.MailKind.RESET_PASSWORD)
        reset = mailbox.token_in(mailbox.work()[-1])

        takeover.report(token=first, now=timezone.now())

        assert User.objects.get().email == "mina@example.com"
        with pytest.raises(MailedTokenInvalid):
            takeover.report(token=later, now=timezone.now())
        with pytest.raises(MailedTokenInvalid):
            password_reset.reset(token=reset, new_password=NEW, client=ANYWHERE, now=timezone.now())

    def test_keeps_later_notices_from_being_sent_to_the_intruder(self, user):
        first = notice(user)
        change_address(user, "intruder@example.com")
        mailbox.work()
        mail_queue.enqueue(user_id=user.pk, kind=mail_queue.MailKind.FACTOR_ADDED)  # while the mail server is away, say

        takeover.report(token=first, now=timezone.now())

        sent = {message.to[0]: message.subject for message in mailbox.work()}
        assert sent == {
            "intruder@example.com": "Your e-mail address was set back",
            "mina@example.com": LOCKED,
        }
        assert MailedToken.objects.filter(address="intruder@example.com", used_at=None).count() == 0

    def test_by_a_later_notice_does_not_end_the_earlier_ones(self, user):
        first = notice(user)
        change_address(user, "intruder@example.com")
        later = notice(User.objects.get(), mail_queue.MailKind.FACTOR_ADDED)
        takeover.report(token=later, now=timezone.now())

        assert takeover.report(token=first, now=timezone.now()).is_restored
        assert User.objects.get().email == "mina@example.com"

    def test_closes_the_account_if_another_user_has_the_former_address(self, user):
        first = notice(user)
        change_address(user, "intruder@example.com")
        mailbox.work()
        UserFactory(email="mina@example.com")

        assert not takeover.report(token=first, now=timezone.now()).is_restored

        stored = User.objects.get(pk=user.pk)
        assert not stored.is_active
        assert not stored.has_usable_password()
        assert mailbox.queued() == []

    def test_keeps_an_account_that_the_intruder_deleted(self, user, now):
        token = notice(user, mail_queue.MailKind.DELETION_REQUESTED)
        User.objects.update(deleted_at=now)

        takeover.report(token=token, now=timezone.now())

        assert User.objects.get().deleted_at is None

    def test_leaves_no_password_to_sign_in_with(self, user, phone):
        takeover.report(token=notice(user), now=timezone.now())

        with pytest.raises(password_sign_in.CredentialsInvalid):
            password_sign_in.sign_in(name="mina", password=PASSWORD, client=phone, now=timezone.now())


class TestWhatAnIntruderAdded:
    @pytest.fixture
    def now(self):
        """The real time: mail is handed over by the clock."""
        return datetime.now(UTC)

    @pytest.fixture
    def owned(self, user, now):
        """Give the owner an application and an account of a provider, a week before."""
        before = now - 8 * DAY
        add_totp(user, now=before)
        social.link(user, now=before)
        mailbox.work()
        OutgoingMail.objects.update(created_at=before)
        MailedToken.objects.update(created_at=before, expires_at=before + 7 * DAY)
        return user

    def ways_in(self, user):
        names = [factor.name or factor.type for factor in enrolled.list_factors(user.pk)]
        return names + [link.uid for link in links.list_links(user.pk)]

    def intrude(self, user, at):
        add_key(user, now=at, is_passkey=True, name="Intruder's key")
        social.link(user, now=at, uid="the-intruder")

    def test_since_the_notice_goes_and_what_was_there_before_stays(self, owned, now, events):
        token = notice(owned, mail_queue.MailKind.NEW_DEVICE)
        self.intrude(owned, now)

        takeover.report(token=token, now=timezone.now())

        assert self.ways_in(owned) == ["totp", "recovery_code", "person-1"]
        assert User.objects.get().is_mfa_enabled
        removed = events("mfa.factor_removed").get()
        assert (removed.risk_reasons, removed.data["factor"]) == (["takeover_reported"], "webauthn")
        assert events("social.account_unlinked").get().risk_reasons == ["takeover_reported"]
        reported = events("account.takeover_reported").get().data
        assert (reported["removed_factors"], reported["removed_social_accounts"]) == (1, 1)

    def test_goes_by_the_very_notice_of_it(self, owned, now):
        self.intrude(owned, now)
        (told,) = [message for message in mailbox.work() if "added" in message.subject]

        takeover.report(token=mailbox.token_in(told), now=timezone.now())

        assert self.ways_in(owned) == ["totp", "recovery_code", "person-1"]

    def test_goes_by_a_later_notice_too(self, owned, now):
        self.intrude(owned, now - 3 * DAY)
        OutgoingMail.objects.filter(kind="factor_added").update(created_at=now - 3 * DAY)
        mailbox.work()

        takeover.report(token=notice(owned), now=timezone.now())

        assert self.ways_in(owned) == ["totp", "recovery_code", "person-1"]

    def test_is_not_looked_for_before_the_oldest_notice_that_can_be_reported(self, owned, now):
        add_key(owned, now=now - 9 * DAY, name="Owner's key")
        OutgoingMail.objects.filter(kind="factor_added").update(created_at=now - 9 * DAY)
        mailbox.work()

        takeover.report(token=notice(owned), now=timezone.now())

        assert "Owner's key" in self.ways_in(owned)

    def test_is_unchanged_by_a_report_from_another_address(self, owned, now):
        add_key(owned, now=now - DAY, name="Owner's key")
        OutgoingMail.objects.filter(kind="factor_added").update(created_at=now - DAY)
        mailbox.work()
        change_address(owned, "intruder@example.com")

        takeover.report(token=notice(User.objects.get(), mail_queue.MailKind.FACTOR_LOCKED), now=timezone.now())

        assert "Owner's key" in self.ways_in(owned)

    def test_leaves_no_second_factor_where_there_was_none(self, user, now):
        token = notice(user, mail_queue.MailKind.NEW_DEVICE)
        add_totp(user, now=now)

        takeover.report(token=token, now=timezone.now())

        assert self.ways_in(user) == []
        assert not User.objects.get().is_mfa_enabled
        assert not TotpSecret.objects.exists()

    def test_goes_where_the_account_has_to_be_closed_too(self, owned, now):
        token = notice(owned)
        self.intrude(owned, now)
        User.objects.filter(pk=owned.pk).update(email="x@example.com", email_folded="x@example.com")
        UserFactory(email="mina@example.com")

        assert not takeover.report(token=token, now=timezone.now()).is_restored

        assert self.ways_in(owned) == ["totp", "recovery_code", "person-1"]
