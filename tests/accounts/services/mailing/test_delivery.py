import smtplib
import threading
from datetime import timedelta
from typing import ClassVar

import pytest
from django.core import mail as outbox
from django.core.mail.backends.base import BaseEmailBackend
from django.db import connection, transaction
from django.utils import timezone

from accounts.models import MailedToken, MailedTokenPurpose, OutgoingMail
from accounts.services.mailing import delivery, mail_queue, mailed_tokens
from cedrina_base.uuids import uuid7
from tests import mailbox
from tests.factories.accounts import UserFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("empty_queue")]
Kind = mail_queue.MailKind


class RefusingBackend(BaseEmailBackend):
    """Answers every mail with the same error."""

    error: Exception

    def send_messages(self, messages):
        raise type(self).error


class DisconnectingBackend(BaseEmailBackend):
    """Accepts each mail and closes the connection before it replies."""

    taken: ClassVar[list] = []

    def send_messages(self, messages):
        self.taken.extend(messages)
        raise smtplib.SMTPServerDisconnected


def refuse_with(settings, error):
    RefusingBackend.error = error
    settings.EMAIL_BACKEND = f"{__name__}.RefusingBackend"


class TestDeliver:
    def test_hands_a_mail_over_once_however_often_the_job_runs(self):
        user = UserFactory()
        mail_id = mail_queue.enqueue(user_id=user.pk, kind=Kind.PASSWORD_CHANGED)

        for _ in range(3):
            delivery.deliver(mail_id=mail_id, now=timezone.now())

        assert len(outbox.outbox) == 1
        assert OutgoingMail.objects.get().sent_at is not None
        assert MailedToken.objects.count() == 1

    def test_stores_the_digest_of_the_token_alone(self):
        mail_queue.enqueue(user_id=UserFactory().pk, kind=Kind.RESET_PASSWORD)

        (message,) = mailbox.work()

        row = MailedToken.objects.get()
        token = mailbox.token_in(message)
        assert row.purpose == "reset_password"
        assert token not in str(vars(row))

    def test_makes_the_same_token_after_a_failure_and_gives_it_its_whole_time(self, settings, now):
        mail_id = mail_queue.enqueue(user_id=UserFactory().pk, kind=Kind.RESET_PASSWORD)
        working = settings.EMAIL_BACKEND
        refuse_with(settings, ConnectionRefusedError())
        with pytest.raises(ConnectionRefusedError):
            delivery.deliver(mail_id=mail_id, now=now)
        before = MailedToken.objects.get()
        settings.EMAIL_BACKEND = working

        delivery.deliver(mail_id=mail_id, now=now + timedelta(hours=2))

        after = MailedToken.objects.get()
        assert after.digest == before.digest
        assert after.expires_at == now + timedelta(hours=2, minutes=10)

    @pytest.mark.parametrize(
        "error",
        [
            smtplib.SMTPRecipientsRefused({"a@example.com": (550, b"no such user")}),
            smtplib.SMTPDataError(554, b"not here"),
            smtplib.SMTPNotSupportedError("SMTPUTF8"),
        ],
    )
    def test_gives_up_what_the_server_will_never_take(self, settings, error):
        mail_id = mail_queue.enqueue(user_id=UserFactory().pk, kind=Kind.PASSWORD_CHANGED)
        refuse_with(settings, error)

        delivery.deliver(mail_id=mail_id, now=timezone.now())

        row = OutgoingMail.objects.get()
        assert (row.sent_at, row.drop_reason) == (None, "refused")

    @pytest.mark.attack("CWE-178")
    def test_gives_up_addresses_that_no_server_accepts(self):
        mail_id = mail_queue.enqueue(user_id=UserFactory(email="mína@example.com").pk, kind=Kind.PASSWORD_CHANGED)

        delivery.deliver(mail_id=mail_id, now=timezone.now())

        assert outbox.outbox == []
        assert OutgoingMail.objects.get().drop_reason == "address_unusable"

    @pytest.mark.parametrize(
        "error",
        [
            smtplib.SMTPRecipientsRefused({"a@example.com": (450, b"later")}),
            smtplib.SMTPDataError(451, b"later"),
            smtplib.SMTPAuthenticationError(535, b"who?"),
            smtplib.SMTPSenderRefused(550, b"no", "x@example.com"),
            smtplib.SMTPServerDisconnected(),
            TimeoutError(),
        ],
    )
    def test_leaves_to_another_time_what_may_pass_or_be_mended(self, settings, error):
        mail_id = mail_queue.enqueue(user_id=UserFactory().pk, kind=Kind.PASSWORD_CHANGED)
        refuse_with(settings, error)

        with pytest.raises(type(error)):
            delivery.deliver(mail_id=mail_id, now=timezone.now())

        row = OutgoingMail.objects.get()
        assert (row.sent_at, row.dropped_at) == (None, None)

    def test_makes_a_mail_recognisable_whose_acceptance_was_never_heard_of(self, settings):
        mail_id = mail_queue.enqueue(user_id=UserFactory().pk, kind=Kind.RESET_PASSWORD)
        working = settings.EMAIL_BACKEND
        settings.EMAIL_BACKEND = f"{__name__}.DisconnectingBackend"
        with pytest.raises(smtplib.SMTPServerDisconnected):
            delivery.deliver(mail_id=mail_id, now=timezone.now())
        settings.EMAIL_BACKEND = working

        delivery.deliver(mail_id=mail_id, now=timezone.now())

        first, second = DisconnectingBackend.taken[-1], outbox.outbox[-1]
        assert first.extra_headers["Message-ID"] == second.extra_headers["Message-ID"]
        assert mailbox.token_in(first) == mailbox.token_in(second)

    def test_does_nothing_for_a_mail_that_is_not_there(self):
        delivery.deliver(mail_id=uuid7(), now=timezone.now())

        assert outbox.outbox == []


class TestDropReasons:
    @pytest.mark.parametrize("state", [{"is_active": False}, {"deleted_at": timezone.now()}])
    @pytest.mark.parametrize("kind", [Kind.RESET_PASSWORD, Kind.CONFIRM_EMAIL])
    def test_a_closed_account_gets_no_link(self, kind, state):
        user = UserFactory(email_confirmed_at=None, **state)
        mail_queue.enqueue(user_id=user.pk, kind=kind)

        assert mailbox.work() == []
        assert not MailedToken.objects.exists()

    @pytest.mark.parametrize("kind", [Kind.RESET_PASSWORD, Kind.CONFIRM_EMAIL])
    def test_a_link_does_not_go_to_an_address_that_is_no_longer_the_accounts(self, kind):
        user = UserFactory(email_confirmed_at=None)
        mail_queue.enqueue(user_id=user.pk, kind=kind)
        user.email = user.email_folded = "new@example.com"
        user.save()

        assert mailbox.work() == []
        assert OutgoingMail.objects.get().drop_reason == "address_changed"

    def test_a_confirmed_address_is_not_confirmed_again(self):
        mail_queue.enqueue(user_id=UserFactory().pk, kind=Kind.CONFIRM_EMAIL)

        assert mailbox.work() == []

    def test_a_newer_change_of_address_keeps_an_older_mail_from_being_sent(self, settings):
        user = UserFactory()

        def enqueue(address):
            mail_id = uuid7()
            mailed_tokens.issue(
                mail_id=mail_id, user=user, purpose=MailedTokenPurpose.CHANGE_EMAIL, address=address, now=timezone.now()
            )
            return mail_queue.enqueue(user_id=user.pk, kind=Kind.CONFIRM_NEW_EMAIL, address=address, mail_id=mail_id)

        older = enqueue("first@example.com")
        working = settings.EMAIL_BACKEND
        refuse_with(settings, TimeoutError())
        with pytest.raises(TimeoutError):
            delivery.deliver(mail_id=older, now=timezone.now())
        settings.EMAIL_BACKEND = working
        delivery.deliver(mail_id=enqueue("second@example.com"), now=timezone.now())

        delivery.deliver(mail_id=older, now=timezone.now())

        assert len(outbox.outbox) == 1
        assert OutgoingMail.objects.get(pk=older).drop_reason == "superseded"
        assert MailedToken.objects.filter(used_at=None).count() == 1


@pytest.mark.django_db(transaction=True)
class TestTwoWorkers:
    def test_do_not_send_the_same_mail_at_the_same_time(self):
        mail_id = mail_queue.enqueue(user_id=UserFactory().pk, kind=Kind.PASSWORD_CHANGED)
        OutgoingMail.objects.update(started_at=timezone.now())  # as the first worker has noted by then
        holds, may_end = threading.Event(), threading.Event()

        def other_worker():
            with transaction.atomic():
                OutgoingMail.objects.select_for_update().get(pk=mail_id)
                holds.set()
                may_end.wait(120)
            connection.close()

        thread = threading.Thread(target=other_worker)
        thread.start()
        assert holds.wait(120)
        with pytest.raises(delivery.DeliveryInProgress):
            delivery.deliver(mail_id=mail_id, now=timezone.now())
        assert outbox.outbox == []

        may_end.set()
        thread.join()
        delivery.deliver(mail_id=mail_id, now=timezone.now())
        assert len(outbox.outbox) == 1
