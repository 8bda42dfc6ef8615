"""The time that all servers share."""

import time
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from cedrina_base import database_clock

HOUR = timedelta(hours=1)
CLOSE = timedelta(seconds=60)  # a busy machine may pause between two lines


@pytest.fixture(autouse=True)
def _forgotten():
    database_clock.forget()
    yield
    database_clock.forget()


class TestNow:
    def test_is_that_of_this_machine_before_the_first_comparison(self):
        before = timezone.now()
        assert before <= database_clock.now() <= timezone.now()

    def test_goes_on_from_what_the_database_said(self):
        database_clock.adopt(at=timezone.now() + HOUR, monotonic=time.monotonic() - 600)
        assert abs(database_clock.now() - timezone.now() - HOUR - timedelta(minutes=10)) < CLOSE

    def test_does_not_move_for_what_the_way_to_the_database_took(self):
        at, monotonic = timezone.now(), time.monotonic()
        database_clock.adopt(at=at, monotonic=monotonic)
        database_clock.adopt(at=at + timedelta(seconds=10.2), monotonic=monotonic + 10)
        assert database_clock.now() - at < timedelta(seconds=time.monotonic() - monotonic + 0.001)

    def test_follows_a_clock_that_was_set(self):
        at, monotonic = timezone.now(), time.monotonic()
        database_clock.adopt(at=at, monotonic=monotonic)
        database_clock.adopt(at=at - HOUR, monotonic=monotonic)
        assert abs(database_clock.now() - timezone.now() + HOUR) < CLOSE

    def test_says_once_that_this_machine_has_another_time(self, caplog):
        for seconds in (0, 1):
            database_clock.adopt(at=timezone.now() - HOUR, monotonic=time.monotonic() + seconds)
        [line] = [record.getMessage() for record in caplog.records]
        assert line.startswith("clock_differs: this machine's clock is 3")


class TestNotAfterNow:
    def test_lets_a_clock_that_is_ahead_delete_nothing_early(self):
        at = timezone.now()
        assert database_clock.not_after_now(at + HOUR) == at + HOUR  # there is no other clock
        database_clock.adopt(at=at, monotonic=time.monotonic())
        assert database_clock.not_after_now(at + HOUR) - at < CLOSE
        assert database_clock.not_after_now(at - HOUR) == at - HOUR


@pytest.mark.django_db
class TestCompare:
    def test_asks_the_database_once_in_some_seconds(self, django_assert_num_queries):
        with django_assert_num_queries(1):
            database_clock.compare()
            database_clock.compare()
        with connection.cursor() as cursor:
            cursor.execute("SELECT clock_timestamp()")
            [at] = cursor.fetchone()
        assert abs(database_clock.now() - at) < CLOSE
