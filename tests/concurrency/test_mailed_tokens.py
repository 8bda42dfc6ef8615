"""A mailed token is redeemed once, however many clients use it at the same time."""

import pytest
from django.utils import timezone

from accounts.errors import MailedTokenInvalid
from accounts.models import MailedToken, User
from accounts.services.addresses import address_confirmation
from accounts.services.mailing import mail_queue
from accounts.services.passwords import password_reset
from accounts.services.profile import takeover
from tests import mailbox
from tests.factories.accounts import UserFactory
from tokens.types import ClientContext

ANYWHERE = ClientContext()
pytestmark = pytest.mark.usefixtures("empty_jobs")
CLIENTS = 16
NEW = "copper lantern seven owls"


@pytest.fixture
def empty_jobs(transactional_db):
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM procrastinate_jobs")


def token_for(user, kind):
    mail_queue.enqueue(user_id=user.pk, kind=kind)
    return mailbox.token_in(mailbox.work()[-1])


def winners(outcomes):
    lost = [outcome for outcome in outcomes if isinstance(outcome, MailedTokenInvalid)]
    won = [outcome for outcome in outcomes if not isinstance(outcome, Exception)]
    assert len(lost) + len(won) == len(outcomes), outcomes
    return len(won)


@pytest.mark.attack("ASVS 5.0, 6.5.1")
class TestSimultaneousRedemptions:
    def test_of_a_confirmation_let_one_through(self, at_once):
        token = token_for(UserFactory(email_confirmed_at=None), mail_queue.MailKind.CONFIRM_EMAIL)

        assert winners(at_once(*[lambda: address_confirmation.confirm(token=token, now=timezone.now())] * CLIENTS)) == 1
        assert User.objects.get().version == 2

    def test_of_a_reset_set_one_password(self, at_once):
        token = token_for(UserFactory(), mail_queue.MailKind.RESET_PASSWORD)
        attempts = [
            lambda number=number: (
                password_reset.reset(token=token, new_password=f"{NEW} {number}", client=ANYWHERE, now=timezone.now())
                and number
            )
            for number in range(CLIENTS)
        ]

        outcomes = at_once(*attempts)

        assert winners(outcomes) == 1
        (number,) = [outcome for outcome in outcomes if isinstance(outcome, int)]
        assert User.objects.get().check_password(f"{NEW} {number}")

    def test_of_a_report_lock_the_account_once(self, at_once):
        token = token_for(UserFactory(), mail_queue.MailKind.PASSWORD_CHANGED)

        assert winners(at_once(*[lambda: takeover.report(token=token, now=timezone.now())] * CLIENTS)) == 1
        assert mailbox.queued() == ["password_switched_off"]

    def test_of_different_tokens_of_one_person_do_not_block_each_other(self, at_once):
        user = UserFactory()
        notices = [token_for(user, mail_queue.MailKind.PASSWORD_CHANGED) for _ in range(4)]
        reset = token_for(user, mail_queue.MailKind.RESET_PASSWORD)
        calls = [lambda token=token: takeover.report(token=token, now=timezone.now()) for token in notices]

        outcomes = at_once(
            *calls, lambda: password_reset.reset(token=reset, new_password=NEW, client=ANYWHERE, now=timezone.now())
        )

        assert all(
            outcome is None or not isinstance(outcome, Exception) or isinstance(outcome, MailedTokenInvalid)
            for outcome in outcomes
        ), outcomes
        assert MailedToken.objects.exclude(used_at=None).count() >= 1
