"""What is done every day."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from asgiref.sync import async_to_sync
from croniter import croniter
from django.contrib.sessions.models import Session as BrowserSession
from django.db import connection
from procrastinate.contrib.django import app
from procrastinate.contrib.django.models import ProcrastinateJob
from structlog.testing import capture_logs

from accounts.event_types import LOGIN_FAILED
from accounts.models import Ceremony, SignInFailures, User
from accounts.models.passwords import AttemptCounter, AttemptPool
from accounts.services.factors import passkeys
from accounts.services.mailing import mail_queue
from cedrina.operations import jobs
from cedrina.operations.logging import mask_event
from ratelimiting.algorithms.backoff import Backoff
from security_events.models import SecurityEvent, TrailCheckpoint
from security_events.services import deduplication
from security_events.services.recording import record
from security_events.types import Subject
from tests.factories.accounts import UserFactory


@pytest.mark.django_db
class TestJobs:
    def test_are_known_to_the_worker(self):
        known = {
            "prepare_partitions",
            "purge_expired",
            "purge_accounts",
            "erase_deleted",
            "take_up_abandoned",
            "forget_done_jobs",
            "purge_attempts",
            "announce_expired_locks",
            "sum_up_refusals",
            "seal_audit_trail",
            "purge_security_events",
        }
        assert {f"cedrina.{name}" for name in known} <= set(app.tasks)

    def test_prepare_partitions_for_the_coming_months(self):
        jobs.prepare_partitions(int(datetime(2031, 5, 1, tzinfo=UTC).timestamp()))
        with connection.cursor() as cursor:
            cursor.execute("SELECT to_regclass('security_events_event_2031_06') IS NOT NULL")
            assert cursor.fetchone()[0]

    @pytest.mark.parametrize(("seconds", "expected"), [(1, 1), (10, 10), (60, 60), (89, 60), (1800, 1800)])
    def test_come_as_often_as_they_should(self, seconds, expected):
        times = croniter(jobs.every(seconds), datetime(2026, 3, 1, tzinfo=UTC))
        first = times.get_next(float)
        assert times.get_next(float) - first == expected

    @pytest.mark.django_db(transaction=True)
    def test_seal_the_trail_or_log_why_not(self, settings):
        record(LOGIN_FAILED)
        proper = settings.SECURITY_EVENTS
        settings.SECURITY_EVENTS = {**proper, "FIELD_ENCRYPTION_KEYS": ()}
        with capture_logs() as lines:
            jobs.seal_audit_trail(0)
        assert "FIELD_ENCRYPTION_KEYS" in next(line for line in lines if line["log_level"] == "error")["reason"]
        settings.SECURITY_EVENTS = proper
        jobs.seal_audit_trail(0)
        assert TrailCheckpoint.objects.exists()

    def test_purge_what_was_never_finished(self):
        passkeys.begin(now=datetime(2026, 3, 1, tzinfo=UTC))

        jobs.purge_accounts(int(datetime(2026, 3, 2, tzinfo=UTC).timestamp()))

        assert not Ceremony.objects.exists()

    def test_log_how_much_they_purged(self):
        with capture_logs() as lines:
            jobs.purge_accounts(int(datetime(2026, 3, 2, tzinfo=UTC).timestamp()))

        (line,) = (mask_event(None, "", line) for line in lines if line["event"] == "accounts_purged")
        counts = {name: value for name, value in line.items() if name.endswith("_count")}
        assert counts["mailedtoken_count"] == counts["presentedtoken_count"] == 0
        assert all(isinstance(value, int) for value in counts.values())

    def test_purge_what_is_past(self):
        now = datetime.now(UTC)
        for key, until in (("past", now - timedelta(hours=1)), ("living", now + timedelta(hours=1))):
            BrowserSession.objects.create(session_key=key, session_data="", expire_date=until)

        jobs.purge_expired(int(now.timestamp()))

        assert BrowserSession.objects.get().pk == "living"

    def test_erase_accounts_after_the_retention(self):
        now = datetime.now(UTC)
        gone, waiting = UserFactory(deleted_at=now - timedelta(days=31)), UserFactory(deleted_at=now)

        jobs.erase_deleted(int(now.timestamp()))

        assert not User.objects.filter(pk=gone.pk).exists()
        assert User.objects.filter(pk=waiting.pk).exists()

    def test_delete_decayed_counters(self, now):
        SignInFailures.objects.charge(
            [AttemptCounter(b"k" * 16, AttemptPool.ACCOUNT, Backoff(2, 60, 60, 60))], subject="", now=now
        )
        jobs.purge_attempts(int((now + timedelta(days=6)).timestamp()))
        assert not SignInFailures.objects.exists()

    def test_say_when_a_lock_has_ended(self, now):
        for _ in range(2):
            SignInFailures.objects.charge(
                [AttemptCounter(b"k" * 16, AttemptPool.ACCOUNT, Backoff(2, 60, 60, 60))], subject="x", now=now
            )
        jobs.announce_expired_locks(0)
        assert SignInFailures.objects.get().locked_at is None
        assert SecurityEvent.objects.filter(type="authentication.lock_expired", target_id="x").count() == 1

    def test_say_how_often_something_was_refused(self):
        subject = Subject(id="sum-up")
        for _ in range(3):
            deduplication.record(LOGIN_FAILED, actor=subject, now=datetime(2026, 3, 1, tzinfo=UTC))
        jobs.sum_up_refusals(0)

        (summary,) = SecurityEvent.objects.filter(actor_id="sum-up", data__has_key="repeats")
        assert summary.data["repeats"] == 2


@pytest.mark.django_db
class TestTakeUpAbandoned:
    """A worker that was killed leaves its jobs in the state ``doing``."""

    def abandon(self, *, attempts):
        mail_queue.enqueue(user_id=UserFactory().pk, kind=mail_queue.MailKind.PASSWORD_CHANGED)
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM procrastinate_workers")
            cursor.execute("UPDATE procrastinate_jobs SET status = 'doing', attempts = %s", [attempts])

    def take_up(self):
        context = SimpleNamespace(app=app)
        async_to_sync(jobs.take_up_abandoned.func)(context, timestamp=0)
        return ProcrastinateJob.objects.get()

    @pytest.mark.usefixtures("empty_queue")
    def test_puts_a_job_back_whose_worker_has_ended(self):
        self.abandon(attempts=0)

        job = self.take_up()
        assert (job.status, job.attempts) == ("todo", 1)

    @pytest.mark.usefixtures("empty_queue")
    def test_gives_a_job_up_that_seems_to_kill_its_workers(self):
        self.abandon(attempts=jobs.MAX_ABANDONED_ATTEMPTS)

        assert self.take_up().status == "failed"

    @pytest.mark.usefixtures("empty_queue")
    def test_leaves_a_job_alone_whose_worker_lives(self):
        self.abandon(attempts=0)
        with connection.cursor() as cursor:
            cursor.execute("INSERT INTO procrastinate_workers DEFAULT VALUES RETURNING id")
            cursor.execute("UPDATE procrastinate_jobs SET worker_id = %s", [cursor.fetchone()[0]])

        assert self.take_up().status == "doing"


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("empty_queue")
class TestAbandonedJobsWithAQueueingLock:
    def test_are_given_up_where_another_waits_and_the_rest_is_taken_up(self):
        lock = jobs.announce_expired_locks.configure(queueing_lock="the same")
        lock.defer(timestamp=0)
        mail_queue.enqueue(user_id=UserFactory().pk, kind=mail_queue.MailKind.PASSWORD_CHANGED)
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM procrastinate_workers")
            cursor.execute("UPDATE procrastinate_jobs SET status = 'doing'")
        lock.defer(timestamp=1)

        async_to_sync(jobs.take_up_abandoned.func)(SimpleNamespace(app=app), timestamp=0)

        found = ProcrastinateJob.objects.order_by("id").values_list("task_name", "status")
        assert list(found) == [
            ("cedrina.announce_expired_locks", "failed"),
            ("accounts.send_mail", "todo"),
            ("cedrina.announce_expired_locks", "todo"),
        ]


@pytest.mark.django_db
@pytest.mark.usefixtures("empty_queue")
class TestForgetDoneJobs:
    @pytest.mark.parametrize(
        ("status", "hours", "is_kept"),
        [
            ("succeeded", 0, True),
            ("succeeded", 2, False),
            ("failed", 2, True),
            ("failed", 721, False),
            ("todo", 721, True),
        ],
    )
    def test_removes_what_is_over_for_long_enough(self, status, hours, is_kept):
        mail_queue.enqueue(user_id=UserFactory().pk, kind=mail_queue.MailKind.PASSWORD_CHANGED)
        with connection.cursor() as cursor:
            cursor.execute("UPDATE procrastinate_jobs SET status = %s", [status])
            cursor.execute("UPDATE procrastinate_events SET at = now() - %s * interval '1 hour'", [hours])

        async_to_sync(jobs.forget_done_jobs.func)(SimpleNamespace(app=app), timestamp=0)

        assert ProcrastinateJob.objects.exists() == is_kept
