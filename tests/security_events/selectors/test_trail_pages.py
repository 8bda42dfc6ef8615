"""A puller that remembers one cursor gets each event once, whatever is committed meanwhile and in whatever order."""

import random
import threading
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection, connections, transaction

from accounts.event_types import ACCOUNT_ACTIVATED, LOGIN_SUCCEEDED
from security_events.selectors import trail_pages
from security_events.selectors.event_filters import EventFilter
from security_events.selectors.trail import START, TrailPosition, events_after
from security_events.selectors.trail_pages import cursor_of, events_behind, position_of
from security_events.services.recording import record

pytestmark = pytest.mark.django_db(transaction=True)
EVERYTHING = EventFilter()
ALL_BY_A_FILTER = EventFilter(min_risk=1)  # which every event of the test meets


@pytest.fixture
def start():
    return ([START] + [event.position for event in events_after(START, limit=1000)])[-1]


def pull(position, wanted, *, limit, is_over):
    """Pull until the writers are done and nothing is left; return the ids in the order in which they came."""
    found = []
    while True:
        was_over = is_over()
        page = events_behind(position, wanted, limit=limit)
        found += [event.position.event_id for event in page.events]
        if was_over and page.next == position:
            return found
        position = page.next


@pytest.mark.parametrize("wanted", [EVERYTHING, ALL_BY_A_FILTER], ids=["whole", "filtered"])
def test_many_transactions_that_commit_out_of_order_leave_no_gap_and_no_duplicate(start, wanted, monkeypatch):
    monkeypatch.setattr("security_events.selectors.trail_pages.WINDOW", 7)
    chance, made, lock = random.Random(13), [], threading.Lock()
    plans = [[chance.randint(1, 4) for _ in range(25)] for _ in range(4)]
    turns = threading.Barrier(4)

    def write(plan, number):
        for place, events in enumerate(plan):
            with transaction.atomic():
                mine = [record(LOGIN_SUCCEEDED, risk_score=50) for _ in range(events)]
                if place % 5 == 0:
                    turns.wait(120)  # all four have written before any commits
                if place % 7 == number:
                    transaction.set_rollback(True)
                    mine = []
            with lock:
                made.extend(mine)
        connections.close_all()

    threads = [threading.Thread(target=write, args=(plan, number)) for number, plan in enumerate(plans)]
    for thread in threads:
        thread.start()
    found = pull(start, wanted, limit=5, is_over=lambda: not any(thread.is_alive() for thread in threads))

    assert len(found) == len(set(found))
    assert set(found) == set(made)
    assert found == [event.position.event_id for event in events_after(start, limit=1000)]


def test_a_range_begins_and_ends_where_its_events_do(start):
    """Positions far outside of the range are not looked at; those of a day around it are."""
    now = datetime.now(UTC)
    made = [record(ACCOUNT_ACTIVATED, now=now - timedelta(hours=hours)) for hours in (5, 3, 1)]

    def found(**given):
        return [event.position.event_id for event in events_behind(start, EventFilter(**given), limit=10).events]

    assert found(since=now - timedelta(hours=3)) == made[1:]
    assert found(until=now - timedelta(hours=3)) == made[:1]
    assert found(since=now - timedelta(hours=4), until=now - timedelta(hours=2)) == [made[1]]
    assert found(since=now + timedelta(days=3)) == []
    assert found(until=now - timedelta(days=3)) == []


def test_a_range_skips_what_lies_before_it(start):
    record(ACCOUNT_ACTIVATED)
    (last,) = events_after(start, limit=10)

    page = events_behind(START, EventFilter(since=datetime.now(UTC) + timedelta(days=2)), limit=10)

    assert (page.events, page.next) == ([], last.position)


def test_a_filtered_reader_needs_the_index_of_the_trail_only(start):
    rows = trail_pages._committed_behind(start).filter(EventFilter(min_risk=9).condition())
    with connection.cursor() as cursor:
        cursor.execute("SET enable_sort = off")
        cursor.execute("SET enable_seqscan = off")
        plan = rows[:5].explain()
        cursor.execute("RESET ALL")
    scans = [line for line in plan.splitlines() if "Scan using" in line]
    assert scans
    assert all("transaction" in line for line in scans), plan
    assert "->  Sort" not in plan


def test_a_cursor_is_a_text_that_comes_back():
    position = TrailPosition(2**63 - 1, START.event_id)
    assert position_of(cursor_of(position)) == position
    for text in ("", "1", "1.", ".0", "01." + "0" * 32, "1." + "0" * 31, "1." + "G" * 32, f"{2**63}." + "0" * 32, "١."):
        assert position_of(text) is None
