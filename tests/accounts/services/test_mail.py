import uuid
from contextlib import suppress
from typing import ClassVar

import psycopg
import pytest
from django.core import mail as outbox
from django.core.mail.backends.base import BaseEmailBackend
from django.db import OperationalError, connection, transaction
from django.utils import timezone
from procrastinate.contrib.django import app as jobs
from procrastinate.contrib.django.models import ProcrastinateJob

from accounts.services import mail
from accounts.tasks import Patiently, send_mail
from tests.factories.accounts import UserFactory

pytestmark = pytest.mark.usefixtures("empty_queue")
WHEN = "2026-03-01T12:00:00+00:00"


@pytest.mark.django_db
class TestEnqueue:
    def test_leaves_a_job_that_names_no_address(self):
        user = UserFactory()

        mail.enqueue(user_id=user.pk, kind=mail.Kind.PASSWORD_CHANGED)

        job = ProcrastinateJob.objects.get()
        assert (job.task_name, job.queue_name) == ("accounts.send_mail", "mail")
        assert set(job.args) == {"user_id", "kind", "occurred_at", "details"}
        assert outbox.outbox == []

    def test_is_taken_back_by_a_rollback(self):
        user = UserFactory()

        with suppress(ZeroDivisionError), transaction.atomic():
            mail.enqueue(user_id=user.pk, kind=mail.Kind.PASSWORD_CHANGED)
            raise ZeroDivisionError

        assert not ProcrastinateJob.objects.exists()


@pytest.mark.django_db(transaction=True)
class TestEnqueueWithoutDatabase:
    def test_fails_as_every_other_statement_does(self):
        user = UserFactory()
        with connection.cursor() as cursor, suppress(OperationalError):
            cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")
        try:
            with pytest.raises(psycopg.OperationalError):
                mail.enqueue(user_id=user.pk, kind=mail.Kind.PASSWORD_CHANGED)
        finally:
            connection.close()


@pytest.mark.django_db
class TestSend:
    @pytest.mark.parametrize("kind", list(mail.Kind))
    def test_writes_to_the_stored_address_in_text_and_html(self, settings, kind):
        settings.ACCOUNTS = {**settings.ACCOUNTS, "PUBLIC_URL": "https://id.example.com/?a=1&b=2"}
        user = UserFactory(username="mina", email="Mina@example.com", full_name="<b>Visit evil.example</b>")

        mail.send(user_id=user.pk, kind=kind, occurred_at=WHEN)

        message = outbox.outbox[0]
        assert message.to == ["Mina@example.com"]
        assert message.subject == str(mail.SUBJECTS[kind])
        html = message.alternatives[0][0]
        assert "Hello mina," in message.body
        assert "Hello mina," in html
        assert "https://id.example.com/?a=1&b=2" in message.body
        assert "a=1&amp;b=2" in html
        assert "evil" not in message.body + html
        assert "{" not in message.body + html
        assert message.extra_headers["Auto-Submitted"] == "auto-generated"

    @pytest.mark.parametrize(("locale", "direction"), [("fa", "rtl"), ("es", "ltr"), ("no-such", "ltr")])
    def test_speaks_the_language_of_the_reader(self, locale, direction):
        user = UserFactory(locale=locale)

        mail.send(user_id=user.pk, kind=mail.Kind.PASSWORD_CHANGED, occurred_at=WHEN)

        language = locale if locale != "no-such" else "en"
        assert f'<html lang="{language}" dir="{direction}">' in outbox.outbox[0].alternatives[0][0]

    def test_writes_to_nobody_who_is_gone(self):
        mail.send(user_id=uuid.uuid4(), kind=mail.Kind.PASSWORD_CHANGED, occurred_at=WHEN)

        assert outbox.outbox == []


class MailServer:
    """A mail server that is down until it is mended."""

    is_down = True
    delivered: ClassVar[list[object]] = []


class Backend(BaseEmailBackend):
    def send_messages(self, messages):
        if MailServer.is_down:
            raise ConnectionRefusedError
        MailServer.delivered += messages
        return len(messages)


def work():
    """Let the background worker do what is due."""
    connector = jobs.connector.get_worker_connector()
    with jobs.replace_connector(connector) as app:
        app.run_worker(wait=False, install_signal_handlers=False, listen_notify=False)


@pytest.mark.django_db(transaction=True)
class TestWorker:
    def test_sends_once_after_the_mail_server_came_back(self, settings, monkeypatch):
        # The worker's thread has a connection of its own, which nobody else would close.
        monkeypatch.setitem(connection.settings_dict, "CONN_MAX_AGE", 0)
        settings.EMAIL_BACKEND = f"{__name__}.Backend"
        user = UserFactory()
        mail.enqueue(user_id=user.pk, kind=mail.Kind.PASSWORD_CHANGED)

        work()
        job = ProcrastinateJob.objects.get()
        assert (job.status, job.attempts) == ("todo", 1)
        assert job.scheduled_at > timezone.now()
        MailServer.is_down = False
        with connection.cursor() as cursor:
            cursor.execute("UPDATE procrastinate_jobs SET scheduled_at = now()")
        work()
        work()

        assert [message.to for message in MailServer.delivered] == [[user.email]]
        assert ProcrastinateJob.objects.get().status == "succeeded"


@pytest.mark.django_db
class TestTask:
    def test_sends_what_was_enqueued(self):
        user = UserFactory()
        mail.enqueue(user_id=user.pk, kind=mail.Kind.PASSWORD_CHANGED)

        send_mail(**ProcrastinateJob.objects.get().args)

        assert [message.to for message in outbox.outbox] == [[user.email]]

    @pytest.mark.parametrize(("attempts", "seconds"), [(0, 4), (1, 8), (5, 128), (20, 3600)])
    def test_waits_longer_after_each_failure(self, attempts, seconds):
        job = type("Job", (), {"attempts": attempts})()

        decision = Patiently().get_retry_decision(exception=OSError(), job=job)

        assert abs((decision.retry_at - timezone.now()).total_seconds() - seconds) < 2

    def test_gives_up_in_the_end(self):
        assert Patiently().get_retry_decision(exception=OSError(), job=type("Job", (), {"attempts": 40})()) is None
