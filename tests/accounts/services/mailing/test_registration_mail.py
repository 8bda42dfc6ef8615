from datetime import timedelta

import pytest
from django.utils import formats, timezone
from procrastinate.contrib.django.models import ProcrastinateJob

from accounts.models import OutgoingMail, PendingRegistration
from accounts.models.mailing import DropReason
from accounts.services.mailing import delivery, registration_mail
from cedrina_base.uuids import uuid7
from tests import mailbox
from tests.factories.accounts import UserFactory
from tests.factories.registrations import PendingRegistrationFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("empty_queue")]
HOUR = timedelta(hours=1)


@pytest.fixture
def waiting():
    return PendingRegistrationFactory(username="mina", email="Mina@example.com", locale="es")


def answer(registration):
    registration_mail.enqueue(registration_id=registration.pk, now=timezone.now())
    return [(message.to, message.subject) for message in mailbox.work()]


class TestEnqueue:
    def test_sends_the_link_to_a_free_address(self, waiting):
        waiting.locale = "en"
        waiting.save()
        registration_mail.enqueue(registration_id=waiting.pk, now=timezone.now())

        (message,) = mailbox.work()

        assert (message.to, message.subject) == (["Mina@example.com"], "Confirm your e-mail address")
        assert mailbox.link_in(message)[1] == "confirm-email"
        assert formats.date_format(waiting.expires_at, "DATETIME_FORMAT") in message.body
        assert "mina" in message.body

    def test_tells_the_owner_of_an_account_without_the_name_that_was_chosen(self, waiting, events):
        owner = UserFactory(username="owner", email="mina@example.com")
        registration_mail.enqueue(registration_id=waiting.pk, now=timezone.now())

        (message,) = mailbox.work()

        assert (message.to, message.subject) == (["mina@example.com"], "You already have an account")
        event = events("account.registration_repeated").get()
        assert event.target_id == str(owner.pk)
        assert "mina@example.com" not in str(vars(event)).lower()

    @pytest.mark.parametrize("is_taken", [True, False])
    def test_of_a_job_that_runs_twice_is_one_mail(self, waiting, is_taken, events):
        if is_taken:
            UserFactory(email="mina@example.com")
        registration_mail.enqueue(registration_id=waiting.pk, now=timezone.now())
        registration_mail.enqueue(registration_id=waiting.pk, now=timezone.now())

        assert ProcrastinateJob.objects.count() == 1
        assert events("account.registration_repeated").count() == is_taken

    def test_of_a_deleted_registration_is_empty(self, waiting):
        PendingRegistration.objects.update(expires_at=waiting.created_at)
        assert answer(waiting) == []
        PendingRegistration.objects.all().delete()
        assert answer(waiting) == []


class TestEnqueueAgain:
    def test_sends_the_same_link_for_the_latest_registration(self, waiting):
        earlier = PendingRegistrationFactory(email="mina@example.com", created_at=waiting.created_at - HOUR)
        registration_mail.enqueue(registration_id=waiting.pk, now=timezone.now())
        first = mailbox.token_in(mailbox.work()[0])
        registration_mail.enqueue_again(address="mina@example.com", mail_id=uuid7(), now=timezone.now())
        assert mailbox.work() == []  # the first one is on its way
        OutgoingMail.objects.update(started_at=timezone.now() - timedelta(minutes=1))

        registration_mail.enqueue_again(address="MINA@example.com", mail_id=uuid7(), now=timezone.now())

        (message,) = mailbox.work()
        assert mailbox.token_in(message) == first
        assert earlier.username not in message.body

    def test_sends_nothing_where_nothing_waits(self, waiting):
        registration_mail.enqueue_again(address="other@example.com", mail_id=uuid7(), now=timezone.now())
        registration_mail.enqueue_again(address=waiting.email, mail_id=uuid7(), now=waiting.expires_at)

        assert mailbox.work() == []


class TestPrepare:
    def drop_reason(self, waiting, *, now=None):
        row = OutgoingMail.objects.latest("created_at")
        delivery.deliver(mail_id=row.pk, now=now or timezone.now())
        row.refresh_from_db()
        return row.drop_reason

    def test_drops_what_is_too_late(self, waiting):
        registration_mail.enqueue(registration_id=waiting.pk, now=timezone.now())

        assert self.drop_reason(waiting, now=waiting.expires_at) == "expired"

    def test_drops_the_link_to_an_address_that_got_an_account_meanwhile(self, waiting):
        registration_mail.enqueue(registration_id=waiting.pk, now=timezone.now())
        UserFactory(email="mina@example.com", is_active=False)

        assert self.drop_reason(waiting) == "taken"

    @pytest.mark.attack("CWE-799")
    def test_sends_three_an_hour_to_one_address(self, waiting, now):
        for number in range(4):
            registration = PendingRegistrationFactory(email="mina@example.com", created_at=now)
            registration_mail.enqueue(registration_id=registration.pk, now=now)
            reason = self.drop_reason(registration, now=now + timedelta(minutes=number))
            OutgoingMail.objects.update(created_at=now - HOUR)

        assert reason == "too_many"
        assert OutgoingMail.objects.exclude(sent_at=None).count() == 3

    def test_does_not_count_an_attempt_that_failed_as_another_mail(self, waiting, settings):
        registration_mail.enqueue(registration_id=waiting.pk, now=timezone.now())
        row = OutgoingMail.objects.get()
        for _ in range(4):
            assert not isinstance(registration_mail.prepare(row=row, now=waiting.created_at), DropReason)
            row.refresh_from_db()
