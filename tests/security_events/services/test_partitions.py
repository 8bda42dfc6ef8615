import itertools
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone

import pytest
from django.db import connection

from accounts.event_types import LOGIN_SUCCEEDED
from security_events.apps import _make_partitions
from security_events.services import partitions
from security_events.services.recording import record

# Far from the months that stand ready in any database.
NOVEMBER = datetime(2417, 11, 30, 23, 59, 59, tzinfo=UTC)
NAMES = [f"security_events_event_{month}" for month in ("2417_11", "2417_12", "2418_01", "2418_02")]


def place_of(event_id):
    with connection.cursor() as cursor:
        cursor.execute("SELECT tableoid::regclass::text FROM security_events_event WHERE id = %s", [event_id])
        return cursor.fetchone()[0]


@pytest.mark.django_db
class TestEnsure:
    def test_makes_this_month_and_the_following_ones_over_the_turn_of_the_year(self):
        assert partitions.ensure(now=NOVEMBER) == NAMES

    def test_does_nothing_a_second_time(self, django_assert_num_queries):
        partitions.ensure(now=NOVEMBER)
        with django_assert_num_queries(1):
            assert partitions.ensure(now=NOVEMBER) == []

    def test_adds_one_as_a_month_goes_by(self):
        partitions.ensure(now=NOVEMBER)

        assert partitions.ensure(now=NOVEMBER + timedelta(seconds=1)) == ["security_events_event_2418_03"]

    def test_makes_as_many_as_the_setting_says(self, settings):
        settings.SECURITY_EVENTS = {"PARTITIONS_AHEAD": 1}

        assert partitions.ensure(now=NOVEMBER) == NAMES[:2]

    def test_counts_months_in_utc(self):
        elsewhere = NOVEMBER.astimezone(timezone(timedelta(hours=14)))
        assert elsewhere.month == 12

        assert partitions.ensure(now=elsewhere) == NAMES

    def test_leaves_a_month_alone_whose_events_went_to_the_default_partition(self):
        stray = record(LOGIN_SUCCEEDED, now=NOVEMBER)

        assert partitions.ensure(now=NOVEMBER) == NAMES[1:]
        assert place_of(stray) == "security_events_event_default"

    def test_has_this_month_ready_after_a_migration(self):
        assert place_of(record(LOGIN_SUCCEEDED)) != "security_events_event_default"


@pytest.mark.django_db
class TestIsInstalled:
    def test_is_so_after_all_migrations(self):
        assert partitions.is_installed()

    def test_is_not_so_before_the_function_exists(self):
        with connection.cursor() as cursor:
            cursor.execute("DROP FUNCTION security_events_make_partition(date)")
        assert not partitions.is_installed()
        # Nor does a migration to that state fail for want of it.
        _make_partitions()


@pytest.mark.django_db
class TestPlace:
    def test_is_the_partition_of_the_month(self):
        partitions.ensure(now=NOVEMBER)

        for moment, name in (
            (NOVEMBER, NAMES[0]),
            (NOVEMBER + timedelta(seconds=1), NAMES[1]),
            (datetime(2417, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC), NAMES[1]),
            (datetime(2418, 1, 1, tzinfo=UTC), NAMES[2]),
            (datetime(2418, 3, 1, tzinfo=UTC), "security_events_event_default"),
        ):
            assert place_of(record(LOGIN_SUCCEEDED, now=moment)) == name


@pytest.mark.django_db(transaction=True)
class TestEnsureAtOnce:
    @pytest.fixture(autouse=True)
    def clean(self):
        yield
        with connection.cursor() as cursor:
            for name in NAMES:
                cursor.execute(f"DROP TABLE IF EXISTS {name}")

    def test_makes_each_partition_once(self):
        together = threading.Barrier(6)

        def ensure(_number):
            try:
                together.wait()
                return partitions.ensure(now=NOVEMBER)
            finally:
                connection.close()

        with ThreadPoolExecutor(6) as pool:
            made = list(pool.map(ensure, range(6)))

        assert sorted(itertools.chain.from_iterable(made)) == NAMES
