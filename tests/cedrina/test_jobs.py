"""What is done every day."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from procrastinate.contrib.django import app

from accounts.models import User
from cedrina import jobs
from tests.factories.accounts import UserFactory


@pytest.mark.django_db
class TestJobs:
    def test_are_known_to_the_worker(self):
        assert {"cedrina.prepare_partitions", "cedrina.purge_expired", "cedrina.erase_deleted"} <= set(app.tasks)

    def test_prepare_partitions_for_the_coming_months(self):
        jobs.prepare_partitions(int(datetime(2031, 5, 1, tzinfo=UTC).timestamp()))
        with connection.cursor() as cursor:
            cursor.execute("SELECT to_regclass('security_events_event_2031_06') IS NOT NULL")
            assert cursor.fetchone()[0]

    def test_purge_what_is_past(self):
        jobs.purge_expired(int(datetime.now(UTC).timestamp()))

    def test_erase_who_asked_for_it_long_enough_ago(self):
        now = datetime.now(UTC)
        gone, waiting = UserFactory(deleted_at=now - timedelta(days=31)), UserFactory(deleted_at=now)

        jobs.erase_deleted(int(now.timestamp()))

        assert not User.objects.filter(pk=gone.pk).exists()
        assert User.objects.filter(pk=waiting.pk).exists()
