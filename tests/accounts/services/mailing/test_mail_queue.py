from contextlib import suppress
from datetime import timedelta

import pytest
from django.core import mail as outbox
from django.db import OperationalError, connection, transaction
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateJob

from accounts.identifiers.names import held_key
from accounts.models import OutgoingMail, User
from accounts.services.mailing import mail_queue
from accounts.tasks import ExponentialBackoff
from cedrina_base.uuids import uuid7
from tests import mailbox
from tests.factories.accounts import UserFactory

pytestmark = pytest.mark.usefixtures("empty_queue")


@pytest.mark.django_db
class TestEnqueue:
    def test_leaves_a_row_and_a_job_that_names_no_address(self):
        user = UserFactory()

        mail_id = mail_queue.enqueue(user_id=user.pk, kind=mail_queue.MailKind.FACTOR_ADDED, details={"factor": "totp"})

        job = ProcrastinateJob.objects.get()
        assert (job.task_name, job.queue_name) == ("accounts.send_mail", "mail")
        assert set(job.args) == {"mail_id", "user_id", "kind", "occurred_at", "details"}
        assert "@" not in str(job.args)
        assert "cdm_" not in str(job.args)
        row = OutgoingMail.objects.get()
        assert (row.pk, row.kind, row.address, row.sent_at) == (mail_id, "factor_added", user.email, None)
        assert outbox.outbox == []

    def test_is_taken_back_by_a_rollback(self):
        user = UserFactory()

        with suppress(ZeroDivisionError), transaction.atomic():
            mail_queue.enqueue(user_id=user.pk, kind=mail_queue.MailKind.PASSWORD_CHANGED)
            raise ZeroDivisionError

        assert not ProcrastinateJob.objects.exists()
        assert not OutgoingMail.objects.exists()

    def test_enqueues_a_mail_that_is_known_by_its_id_once(self):
        user, mail_id = UserFactory(), uuid7()

        for _ in range(2):
            mail_queue.enqueue(user_id=user.pk, kind=mail_queue.MailKind.RESET_PASSWORD, mail_id=mail_id)

        assert mailbox.queued() == ["reset_password"]

    def test_writes_nothing_for_deleted_users(self):
        mail_queue.enqueue(user_id=uuid7(), kind=mail_queue.MailKind.PASSWORD_CHANGED)

        assert mailbox.queued() == []

    def test_writes_to_the_address_at_the_time_of_the_event(self):
        user = UserFactory(email="before@example.com")
        mail_queue.enqueue(user_id=user.pk, kind=mail_queue.MailKind.PASSWORD_CHANGED)
        user.email = user.email_folded = "intruder@example.com"
        user.save()

        (message,) = mailbox.work()

        assert message.to == ["before@example.com"]

    @pytest.mark.attack("CWE-178")
    def test_leaves_nothing_for_an_address_on_hold_but_for_others_of_the_person(self):
        user = UserFactory(email="ada@stra\u00dfe.de")
        User.objects.filter(pk=user.pk).update(email_folded=held_key(user.pk))

        mail_queue.enqueue(user_id=user.pk, kind=mail_queue.MailKind.PASSWORD_CHANGED)
        mail_queue.enqueue(user_id=user.pk, kind=mail_queue.MailKind.EMAIL_CHANGED, address=user.email)
        mail_queue.enqueue(user_id=user.pk, kind=mail_queue.MailKind.CONFIRM_NEW_EMAIL, address="new@example.com")

        assert mailbox.queued() == ["confirm_new_email"]


@pytest.mark.django_db(transaction=True)
class TestEnqueueWithoutDatabase:
    def test_fails_as_every_other_statement_does(self):
        user = UserFactory()
        with connection.cursor() as cursor, suppress(OperationalError):
            cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")
        try:
            with pytest.raises(OperationalError):
                mail_queue.enqueue(user_id=user.pk, kind=mail_queue.MailKind.PASSWORD_CHANGED)
        finally:
            connection.close()


class TestExponentialBackoff:
    @pytest.mark.parametrize(("attempts", "seconds"), [(0, 4), (1, 8), (5, 128), (20, 3600)])
    def test_waits_longer_after_each_failure(self, attempts, seconds):
        job = type("Job", (), {"attempts": attempts})()

        earliest = timezone.now()
        decision = ExponentialBackoff().get_retry_decision(exception=OSError(), job=job)
        latest = timezone.now()

        pause = timedelta(seconds=seconds)
        # The library drops parts of a second.
        assert earliest - timedelta(seconds=1) <= decision.retry_at - pause <= latest

    def test_gives_up_in_the_end(self):
        assert (
            ExponentialBackoff().get_retry_decision(exception=OSError(), job=type("Job", (), {"attempts": 40})())
            is None
        )
