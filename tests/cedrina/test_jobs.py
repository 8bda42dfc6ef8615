"""What is done every day."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from procrastinate.contrib.django import app

from accounts.models import SignInFailures
from accounts.models.attempts import Counter, Pool
from cedrina import jobs
from ratelimiting.algorithms.backoff import Backoff
from security_events.models import SecurityEvent


@pytest.mark.django_db
class TestJobs:
    def test_are_known_to_the_worker(self):
        assert {
            "cedrina.prepare_partitions", "cedrina.purge_expired", "cedrina.purge_attempts",
            "cedrina.announce_expired_locks",
        } <= set(app.tasks)  # fmt: skip

    def test_prepare_partitions_for_the_coming_months(self):
        jobs.prepare_partitions(int(datetime(2031, 5, 1, tzinfo=UTC).timestamp()))
        with connection.cursor() as cursor:
            cursor.execute("SELECT to_regclass('security_events_event_2031_06') IS NOT NULL")
            assert cursor.fetchone()[0]

    def test_purge_what_is_past(self):
        jobs.purge_expired(int(datetime.now(UTC).timestamp()))

    def test_forget_what_is_forgiven(self, now):
        SignInFailures.objects.charge(
            [Counter(b"k" * 16, Pool.ACCOUNT, Backoff(2, 60, 60, 60))], subject="", place=b"",
            remembered=timedelta(0), is_known=False, now=now,
        )  # fmt: skip
        jobs.purge_attempts(int((now + timedelta(days=3)).timestamp()))
        assert not SignInFailures.objects.exists()

    def test_say_when_a_lock_has_ended(self, now):
        for _ in range(2):
            SignInFailures.objects.charge(
                [Counter(b"k" * 16, Pool.ACCOUNT, Backoff(2, 60, 60, 60))], subject="x", place=b"",
                remembered=timedelta(0), is_known=False, now=now,
            )  # fmt: skip
        jobs.announce_expired_locks(0)
        assert SignInFailures.objects.get().locked_at is None
        assert SecurityEvent.objects.filter(type="authentication.lock_expired", target_id="x").count() == 1
