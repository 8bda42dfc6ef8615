"""What people are mailed about findings, and how often."""

from datetime import UTC, datetime, timedelta

import pytest

from accounts.models import OutgoingMail
from accounts.services.mailing import mail_queue
from accounts.services.sign_in import finding_notices
from cedrina_base.uuids import uuid7
from security_events.types import ResponseKind, ResponseOrder
from tests import mailbox
from tests.factories.accounts import UserFactory
from tests.factories.tokens import PHONE, open_session

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("empty_queue")]
NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
def user():
    return UserFactory()


def notify(user, rule, *, now=NOW, **members):
    order = ResponseOrder(uuid7(), uuid7(), rule, ResponseKind.NOTIFY, subject=str(user.pk), **members)
    return finding_notices.notify(user_id=user.pk, order=order, now=now)


class TestNotify:
    def test_calms_about_attempts_and_offers_nothing_to_press(self, user):
        notify(user, "brute_force", network="203.0.113.0/24")
        (message,) = mailbox.work()
        assert "wrong passwords" in message.body
        assert "203.0.113.0/24" in message.body
        assert not mailbox.LINK.search(message.body + message.alternatives[0][0])

    def test_asks_about_a_sign_in_and_offers_to_report_it(self, user):
        pair = open_session(user=user, client=PHONE)
        notify(user, "success_after_guessing", session_id=pair.session_id)
        (message,) = mailbox.work()
        assert message.subject == "Was this you?"
        assert "soon after wrong passwords" in message.body
        assert PHONE.ip_address in message.body
        assert mailbox.link_in(message)[1] == "report-takeover" or mailbox.token_in(message)

    def test_says_something_about_rules_of_other_projects(self, user):
        notify(user, "a_rule_of_another_project")
        (message,) = mailbox.work()
        assert "looks like an attack" in message.body

    def test_shows_nothing_that_is_no_network(self, user):
        notify(user, "brute_force", network="<b>call 0900</b>")
        (message,) = mailbox.work()
        assert "0900" not in message.body + message.alternatives[0][0]

    def test_is_once_a_day_for_all_attempts_which_suppress_nothing_else(self, user):
        successes = sorted(finding_notices.SUCCESSES)
        for rule in ["brute_force", "distributed_brute_force", "mfa_fatigue", "mfa_guessing", *successes] * 3:
            notify(user, rule)
        assert OutgoingMail.objects.count() == 4
        notify(user, "brute_force", now=NOW + DAY)
        assert OutgoingMail.objects.count() == 5

    def test_does_not_repeat_what_the_lock_of_the_factor_has_told(self, user):
        mail_queue.enqueue(user_id=user.pk, kind=mail_queue.MailKind.FACTOR_LOCKED, now=NOW)
        assert notify(user, "mfa_guessing") is None
        assert notify(user, "mfa_guessing", now=NOW + 2 * DAY)
