"""Equal refusals of a minute are one event and a count, and one network causes a bounded number of events."""

import threading
import uuid
from datetime import timedelta

import pytest
from django.db import connection

from accounts.event_types import LOGIN_FAILED
from security_events.context import RequestContext, bind
from security_events.errors import UndeclaredEventType
from security_events.models import SecurityEvent
from security_events.services import deduplication
from security_events.types import Subject
from tokens.event_types import TOKEN_REFRESH_REJECTED, TOKEN_REPEATED_ELSEWHERE

pytestmark = [pytest.mark.django_db, pytest.mark.attack("CWE-779")]

SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
ADDRESS = "203.0.113.7"
REFUSED = TOKEN_REFRESH_REJECTED


@pytest.fixture
def rows():
    """Return this test's events, oldest first. Their table keeps what earlier tests committed."""
    before = set(SecurityEvent.objects.values_list("pk", flat=True))
    return lambda **conditions: list(SecurityEvent.objects.filter(**conditions).exclude(pk__in=before).order_by("id"))


@pytest.fixture(autouse=True)
def nothing_counted(db):
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM security_events_minutecount")


def refuse(*, now, address=ADDRESS, event_type=REFUSED, **details):
    with bind(RequestContext(ip_address=address, user_agent="curl/8.0")):
        return deduplication.record(event_type, now=now, **details)


class TestRecord:
    def test_records_the_first_of_a_minute_with_everything_that_it_is_told(self, now, rows):
        family_id, session_id = uuid.uuid4(), uuid.uuid4()
        event_id = refuse(
            now=now,
            family_id=family_id,
            session_id=session_id,
            actor=Subject(id="17", name="ada"),
            reasons=["ahead"],
            data={"generation": 4},
        )

        (event,) = rows()
        assert (event.pk, event.occurred_at, event.type, event.outcome) == (event_id, now, str(REFUSED), "failure")
        assert (event.family_id, event.session_id, event.actor_id) == (family_id, session_id, "17")
        assert (event.ip_address, event.risk_reasons, event.data) == (ADDRESS, ["ahead"], {"generation": 4})

    def test_only_counts_the_others(self, now, rows, django_assert_num_queries):
        with django_assert_num_queries(300):
            made = [refuse(now=now + number * SECOND / 10) for number in range(300)]

        assert [event_id is not None for event_id in made] == [True] + [False] * 299
        assert len(rows()) == 1

    def test_begins_anew_with_the_next_minute(self, now, rows):
        for minutes in range(3):
            refuse(now=now + minutes * MINUTE)

        assert len(rows()) == 3

    @pytest.mark.parametrize(
        "other",
        [
            {"address": "203.0.113.8"},
            {"event_type": LOGIN_FAILED},
            {"actor": Subject(id="2")},
            {"actor": Subject(name="grace")},
            {"target": Subject(id="1")},
            {"family_id": uuid.uuid4()},
            {"reasons": ["disabled"]},
        ],
        ids=["address", "type", "actor", "name", "target", "family", "reasons"],
    )
    def test_takes_what_differs_for_something_else(self, now, rows, other):
        details = {"actor": Subject(id="1")}
        refuse(now=now, **details)
        refuse(now=now, **{**details, **other})

        assert len(rows()) == 2

    def test_takes_a_name_in_capitals_for_the_same(self, now, rows):
        for name in ("ada@example.com", "ADA@example.com"):
            refuse(now=now, actor=Subject(name=name))

        assert len(rows()) == 1

    def test_stores_no_name_and_no_address_that_was_counted(self, now):
        refuse(now=now, actor=Subject(name="ada@example.com"))
        with connection.cursor() as cursor:
            cursor.execute("SELECT key FROM security_events_minutecount WHERE network IS NULL")
            ((key,),) = cursor.fetchall()

        assert len(bytes(key)) == 16
        assert b"ada" not in bytes(key)

    def test_refuses_an_undeclared_type(self, now):
        with pytest.raises(UndeclaredEventType):
            deduplication.record("nobody.declared_this", now=now)

    def test_works_outside_of_a_request(self, now):
        assert deduplication.record(REFUSED, now=now) is not None
        assert deduplication.record(REFUSED, now=now) is None


class TestANetwork:
    def test_makes_a_bounded_number_of_rows_a_minute_whatever_it_sends(self, now, rows):
        for number in range(400):
            for _ in range(2):
                refuse(now=now, address=f"203.0.113.{number % 250}", actor=Subject(name=f"name-{number}"))
        deduplication.record_counts(now=now + MINUTE)

        events = rows()
        assert len(events) <= 120
        (flood,) = [event for event in events if event.type == "network.refusals_suppressed"]
        assert (flood.ip_address, flood.severity) == ("203.0.113.0", "medium")
        # Nothing is lost: what was recorded, its repeats and what was suppressed are all that was refused.
        repeats = sum(event.data.get("repeats", 0) for event in events)
        firsts = [event for event in events if event.type == str(REFUSED) and "repeats" not in event.data]
        assert len(firsts) + repeats + flood.data["suppressed"] == 800

    def test_leaves_others_their_rows(self, now, rows):
        for number in range(100):
            refuse(now=now, actor=Subject(name=f"name-{number}"))
        refuse(now=now, address="198.51.100.1")

        assert len(rows(ip_address="198.51.100.1")) == 1

    def test_hides_nothing_grave_behind_a_flood(self, now, rows):
        for number in range(100):
            refuse(now=now, actor=Subject(name=f"name-{number}"))
        assert refuse(now=now, event_type=TOKEN_REPEATED_ELSEWHERE)
        assert refuse(now=now, event_type=TOKEN_REPEATED_ELSEWHERE) is None

        assert len(rows(severity="medium")) == 1


class TestRecordCounts:
    def test_records_how_often_it_was_repeated(self, now, rows):
        first = refuse(now=now, actor=Subject(id="17"), reasons=["ahead"], data={"generation": 4})
        for _ in range(299):
            refuse(now=now + SECOND, actor=Subject(id="17"), reasons=["ahead"])
        deduplication.record_counts(now=now + MINUTE)

        _first, summary = rows()
        assert (summary.type, summary.outcome, summary.actor_id) == (str(REFUSED), "failure", "17")
        assert (summary.ip_address, summary.risk_reasons, summary.occurred_at) == (ADDRESS, ["ahead"], now + MINUTE)
        assert summary.data["repeats"] == 299
        assert summary.data["first_event"] == str(first)
        assert summary.data["generation"] == 4

    def test_says_nothing_of_what_came_once(self, now, rows):
        refuse(now=now)

        assert deduplication.record_counts(now=now + MINUTE) == (2, 0)
        assert len(rows()) == 1

    def test_waits_until_the_minute_is_over(self, now):
        refuse(now=now)

        assert deduplication.record_counts(now=now + 59 * SECOND) == (0, 0)
        assert deduplication.record_counts(now=now + 60 * SECOND).counted == 2
        assert deduplication.record_counts(now=now + 60 * SECOND).counted == 0

    def test_works_in_batches(self, now, monkeypatch):
        monkeypatch.setattr(deduplication, "_BATCH", 10)
        for number in range(30):
            refuse(now=now, actor=Subject(id=str(number)))

        assert deduplication.record_counts(now=now + MINUTE).counted == 31


@pytest.mark.django_db(transaction=True)
class TestManyAtOnce:
    def test_make_one_event_and_lose_no_count(self, now, rows):
        together = threading.Barrier(8)
        made = []

        def show():
            try:
                together.wait(timeout=120)
                made.extend(refuse(now=now) for _ in range(20))
            finally:
                connection.close()

        threads = [threading.Thread(target=show) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        deduplication.record_counts(now=now + MINUTE)

        assert sum(event_id is not None for event_id in made) == 1
        _first, summary = rows()
        assert summary.data["repeats"] == 159
