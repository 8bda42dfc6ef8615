from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.end_reasons import PASSWORD_CHANGE
from accounts.errors import DetailsInvalid, HashingBusy, MailedTokenInvalid
from accounts.models import OutgoingMail, PasswordHistory, User
from accounts.services.factors.sign_in_challenges import MfaChallenge
from accounts.services.mailing import mail_queue
from accounts.services.passwords import password_reset
from accounts.services.sign_in import password_sign_in
from tests import mailbox
from tests.accounts.services.interference import Interference
from tests.factories.accounts import PASSWORD, PasswordHistoryFactory, UserFactory
from tests.factories.tokens import open_session
from tokens.models import Session
from tokens.types import ClientContext

ANYWHERE = ClientContext()
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("empty_queue")]
NEW = "copper lantern seven owls"


@pytest.fixture
def user(db):
    return UserFactory(username="mina", raw_password=PASSWORD)


def token_for(user):
    mail_queue.enqueue(user_id=user.pk, kind=mail_queue.MailKind.RESET_PASSWORD)
    return mailbox.token_in(mailbox.work()[0])


def codes(refusal):
    return [(problem.field, problem.code) for problem in refusal.value.problems]


class TestReset:
    def test_sets_the_password_ends_every_session_and_mails_the_owner(self, user, events, phone):
        for _ in range(2):
            open_session(user=user)

        password_reset.reset(token=token_for(user), new_password=NEW, client=ANYWHERE, now=timezone.now())

        stored = User.objects.get()
        assert stored.check_password(NEW)
        assert set(Session.objects.values_list("end_reason", flat=True)) == {PASSWORD_CHANGE.code}
        assert events("password.reset").get().data == {"ended_sessions": 2}
        assert mailbox.queued() == ["password_changed"]
        assert PasswordHistory.objects.count() == 1

    def test_works_once(self, user):
        token = token_for(user)
        password_reset.reset(token=token, new_password=NEW, client=ANYWHERE, now=timezone.now())

        with pytest.raises(MailedTokenInvalid):
            password_reset.reset(
                token=token, new_password="seven brass kettles sing", client=ANYWHERE, now=timezone.now()
            )
        assert User.objects.get().check_password(NEW)

    def test_of_junk_costs_no_hash_and_no_query(self, hashing_recorder, django_assert_num_queries):
        with django_assert_num_queries(0), pytest.raises(MailedTokenInvalid):
            password_reset.reset(token="cdm_" + "A" * 44, new_password=NEW, client=ANYWHERE, now=timezone.now())
        assert hashing_recorder.open_transactions == []

    def test_keeps_the_token_when_the_password_is_refused(self, user):
        token = token_for(user)
        PasswordHistoryFactory(user=user, raw_password="seven brass kettles sing")

        for password, code in [
            ("short", "password_too_short"),
            (PASSWORD, "password_reused"),
            ("seven brass kettles sing", "password_reused"),
        ]:
            with pytest.raises(DetailsInvalid) as refusal:
                password_reset.reset(token=token, new_password=password, client=ANYWHERE, now=timezone.now())
            assert codes(refusal) == [("new_password", code)]
        password_reset.reset(token=token, new_password=NEW, client=ANYWHERE, now=timezone.now())

    @pytest.mark.attack("CWE-770")
    def test_judges_five_passwords_for_a_token_and_then_computes_nothing(self, user, hashing_recorder):
        token = token_for(user)
        for number in range(5):
            with pytest.raises(DetailsInvalid):
                password_reset.reset(
                    token=token, new_password=PASSWORD if number else "short", client=ANYWHERE, now=timezone.now()
                )
        hashing_recorder.open_transactions.clear()

        for password in (PASSWORD, NEW):
            with pytest.raises(MailedTokenInvalid):
                password_reset.reset(token=token, new_password=password, client=ANYWHERE, now=timezone.now())
        assert hashing_recorder.open_transactions == []
        assert User.objects.get().check_password(PASSWORD)

    def test_counts_no_password_that_could_not_be_judged(self, user, settings):
        token, before = token_for(user), settings.ACCOUNTS
        settings.ACCOUNTS = {**before, "WHILE_HASHING": "tests.accounts.pages.full.Full"}
        for _ in range(7):
            with pytest.raises(HashingBusy):
                password_reset.reset(token=token, new_password=NEW, client=ANYWHERE, now=timezone.now())
        settings.ACCOUNTS = before

        assert password_reset.reset(token=token, new_password=NEW, client=ANYWHERE, now=timezone.now()) == user

    def test_sets_a_password_for_a_user_without_one(self):
        user = UserFactory(username="social")

        password_reset.reset(token=token_for(user), new_password=NEW, client=ANYWHERE, now=timezone.now())

        assert User.objects.get().check_password(NEW)
        assert not PasswordHistory.objects.exists()

    def test_confirms_the_address_that_the_link_went_to(self, events):
        user = UserFactory(email_confirmed_at=None, raw_password=PASSWORD)

        password_reset.reset(token=token_for(user), new_password=NEW, client=ANYWHERE, now=timezone.now())

        assert User.objects.get().is_email_confirmed
        assert events("email.confirmed").count() == 1

    def test_leaves_second_factors_as_they_are(self, user, phone):
        User.objects.update(is_mfa_enabled=True)

        password_reset.reset(token=token_for(user), new_password=NEW, client=ANYWHERE, now=timezone.now())

        outcome = password_sign_in.sign_in(name="mina", password=NEW, client=phone, now=timezone.now())
        assert isinstance(outcome, MfaChallenge)

    def test_gives_way_to_a_password_that_was_set_meanwhile(self, user, settings):
        token = token_for(user)
        Interference.change = lambda: User.objects.update(password="!changed meanwhile")
        settings.ACCOUNTS = {**settings.ACCOUNTS, "WHILE_HASHING": "tests.accounts.services.interference.Interference"}

        with pytest.raises(MailedTokenInvalid):
            password_reset.reset(token=token, new_password=NEW, client=ANYWHERE, now=timezone.now())
        assert User.objects.get().password == "!changed meanwhile"
        assert mailbox.queued() == []

    def test_makes_other_links_to_a_new_password_invalid(self, user):
        first = token_for(user)
        OutgoingMail.objects.update(started_at=timezone.now() - timedelta(minutes=2))
        second = token_for(user)

        password_reset.reset(token=first, new_password=NEW, client=ANYWHERE, now=timezone.now())

        with pytest.raises(MailedTokenInvalid):
            password_reset.reset(token=second, new_password=f"{NEW} again", client=ANYWHERE, now=timezone.now())


@pytest.mark.django_db(transaction=True)
class TestResetAtTheDatabase:
    def test_holds_no_transaction_while_hashes_are_computed(self, user, hashing_recorder):
        password_reset.reset(token=token_for(user), new_password=NEW, client=ANYWHERE, now=timezone.now())

        assert hashing_recorder.open_transactions == [False, False]
