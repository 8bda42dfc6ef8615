"""The budgets of mail are kept by concurrent workers, whichever accounts cause the mail."""

import pytest
from django.utils import timezone

from accounts.models import MailBudget, MailedTokenPurpose, OutgoingMail
from accounts.services.mailing import delivery, mail_budgets, mail_queue, mailed_tokens
from cedrina_base.uuids import uuid7
from tests.factories.accounts import UserFactory

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("empty_queue")]
WORKERS = 8


def take_up_at_once(at_once, mail_ids):
    outcomes = at_once(
        *[lambda mail_id=mail_id: delivery.deliver(mail_id=mail_id, now=timezone.now()) for mail_id in mail_ids]
    )
    assert outcomes == [None] * len(mail_ids)
    rows = OutgoingMail.objects.values_list("drop_reason", flat=True)
    return sorted(rows)


@pytest.mark.attack("CWE-799")
class TestSimultaneousWorkers:
    def test_send_one_reset_link_of_many_that_are_asked_for_at_once(self, at_once):
        user = UserFactory()
        waiting = [mail_queue.enqueue(user_id=user.pk, kind=mail_queue.MailKind.RESET_PASSWORD) for _ in range(WORKERS)]

        assert take_up_at_once(at_once, waiting) == ["", *["on_its_way"] * (WORKERS - 1)]

    def test_keep_to_the_budget_of_an_address_that_many_accounts_ask_for(self, at_once):
        waiting = []
        for _ in range(WORKERS):
            user, mail_id = UserFactory(), uuid7()
            address = "victim@example.com"
            mailed_tokens.issue(
                mail_id=mail_id, user=user, purpose=MailedTokenPurpose.CHANGE_EMAIL, address=address, now=timezone.now()
            )
            mail_queue.enqueue(
                user_id=user.pk, kind=mail_queue.MailKind.CONFIRM_NEW_EMAIL, address=address, mail_id=mail_id
            )
            waiting.append(mail_id)

        # Each account needs a link of its own, so none of them is on its way already.
        most = mail_budgets.ALLOWANCES[MailBudget.ANYBODY].per_kind_and_hour
        assert take_up_at_once(at_once, waiting) == [*[""] * most, *["too_many"] * (WORKERS - most)]
