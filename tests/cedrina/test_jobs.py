"""What is done every day."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from asgiref.sync import async_to_sync
from django.db import connection
from procrastinate.contrib.django import app
from procrastinate.contrib.django.models import ProcrastinateJob

from accounts.models import Ceremony, SignInFailures, User
from accounts.models.attempts import Counter, Pool
from accounts.services import mail, passkeys
from cedrina import jobs
from ratelimiting.algorithms.backoff import Backoff
from security_events.models import SecurityEvent
from tests.factories.accounts import UserFactory


@pytest.mark.django_db
class TestJobs:
    def test_are_known_to_the_worker(self):
        known = {
            "prepare_partitions", "purge_expired", "purge_accounts", "erase_deleted", "take_up_abandoned",
            "forget_done_jobs", "purge_attempts", "announce_expired_locks",
        }  # fmt: skip
        assert {f"cedrina.{name}" for name in known} <= set(app.tasks)

    def test_prepare_partitions_for_the_coming_months(self):
        jobs.prepare_partitions(int(datetime(2031, 5, 1, tzinfo=UTC).timestamp()))
        with connection.cursor() as cursor:
            cursor.execute("SELECT to_regclass('security_events_event_2031_06') IS NOT NULL")
            assert cursor.fetchone()[0]

    def test_purge_what_was_never_finished(self):
        passkeys.begin(now=datetime(2026, 3, 1, tzinfo=UTC))

        jobs.purge_accounts(int(datetime(2026, 3, 2, tzinfo=UTC).timestamp()))

        assert not Ceremony.objects.exists()

    def test_purge_what_is_past(self):
        jobs.purge_expired(int(datetime.now(UTC).timestamp()))

    def test_erase_who_asked_for_it_long_enough_ago(self):
        now = datetime.now(UTC)
        gone, waiting = UserFactory(deleted_at=now - timedelta(days=31)), UserFactory(deleted_at=now)

        jobs.erase_deleted(int(now.timestamp()))

        assert not User.objects.filter(pk=gone.pk).exists()
        assert User.objects.filter(pk=waiting.pk).exists()

    def test_forget_what_is_forgiven(self, now):
        SignInFailures.objects.charge([Counter(b"k" * 16, Pool.ACCOUNT, Backoff(2, 60, 60, 60))], subject="", now=now)
        jobs.purge_attempts(int((now + timedelta(days=6)).timestamp()))
        assert not SignInFailures.objects.exists()

    def test_say_when_a_lock_has_ended(self, now):
        for _ in range(2):
            SignInFailures.objects.charge(
                [Counter(b"k" * 16, Pool.ACCOUNT, Backoff(2, 60, 60, 60))], subject="x", now=now
            )
        jobs.announce_expired_locks(0)
        assert SignInFailures.objects.get().locked_at is None
        assert SecurityEvent.objects.filter(type="authentication.lock_expired", target_id="x").count() == 1


@pytest.mark.django_db
class TestTakeUpAbandoned:
    """A worker that went away leaves its jobs as being done, by nobody."""

    def abandon(self, *, attempts):
        mail.enqueue(user_id=UserFactory().pk, kind=mail.Kind.PASSWORD_CHANGED)
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM procrastinate_workers")
            cursor.execute("UPDATE procrastinate_jobs SET status = 'doing', attempts = %s", [attempts])

    def take_up(self):
        context = SimpleNamespace(app=app)
        async_to_sync(jobs.take_up_abandoned.func)(context, timestamp=0)
        return ProcrastinateJob.objects.get()

    @pytest.mark.usefixtures("empty_queue")
    def test_puts_a_job_back_whose_worker_is_gone(self):
        self.abandon(attempts=0)

        job = self.take_up()
        assert (job.status, job.attempts) == ("todo", 1)

    @pytest.mark.usefixtures("empty_queue")
    def test_gives_a_job_up_that_seems_to_kill_its_workers(self):
        self.abandon(attempts=jobs.MOST_DEATHS)

        assert self.take_up().status == "failed"

    @pytest.mark.usefixtures("empty_queue")
    def test_leaves_a_job_alone_whose_worker_lives(self):
        self.abandon(attempts=0)
        with connection.cursor() as cursor:
            cursor.execute("INSERT INTO procrastinate_workers DEFAULT VALUES RETURNING id")
            cursor.execute("UPDATE procrastinate_jobs SET worker_id = %s", [cursor.fetchone()[0]])

        assert self.take_up().status == "doing"


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
        mail.enqueue(user_id=UserFactory().pk, kind=mail.Kind.PASSWORD_CHANGED)
        with connection.cursor() as cursor:
            cursor.execute("UPDATE procrastinate_jobs SET status = %s", [status])
            cursor.execute("UPDATE procrastinate_events SET at = now() - %s * interval '1 hour'", [hours])

        async_to_sync(jobs.forget_done_jobs.func)(SimpleNamespace(app=app), timestamp=0)

        assert ProcrastinateJob.objects.exists() == is_kept
