"""What is done every day."""

from datetime import UTC, datetime

import pytest
from django.db import connection
from procrastinate.contrib.django import app

from accounts.models import Ceremony
from accounts.services import passkeys
from cedrina import jobs


@pytest.mark.django_db
class TestJobs:
    def test_are_known_to_the_worker(self):
        assert {"cedrina.prepare_partitions", "cedrina.purge_expired", "cedrina.purge_unfinished"} <= set(app.tasks)

    def test_prepare_partitions_for_the_coming_months(self):
        jobs.prepare_partitions(int(datetime(2031, 5, 1, tzinfo=UTC).timestamp()))
        with connection.cursor() as cursor:
            cursor.execute("SELECT to_regclass('security_events_event_2031_06') IS NOT NULL")
            assert cursor.fetchone()[0]

    def test_purge_what_was_never_finished(self):
        passkeys.begin(now=datetime(2026, 3, 1, tzinfo=UTC))

        jobs.purge_unfinished(int(datetime(2026, 3, 2, tzinfo=UTC).timestamp()))

        assert not Ceremony.objects.exists()

    def test_purge_what_is_past(self):
        jobs.purge_expired(int(datetime.now(UTC).timestamp()))
