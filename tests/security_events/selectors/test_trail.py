"""The order of the trail: no event comes late, whatever order transactions begin and end in."""

import threading
from contextlib import closing

import psycopg
import pytest
from django.db import connection, connections, transaction

from accounts.event_types import LOGIN_SUCCEEDED
from security_events.selectors.trail import START, events_after
from security_events.services.recording import record

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def start():
    """The position of the last event so far: a database of tests begins with some."""
    return ([START] + [event.position for event in events_after(START, limit=1000)])[-1]


def ids(events):
    return [event.position.event_id for event in events]


def test_events_come_in_the_order_of_their_transactions(start):
    with transaction.atomic():
        first = {record(LOGIN_SUCCEEDED), record(LOGIN_SUCCEEDED)}
    second = record(LOGIN_SUCCEEDED)

    events = events_after(start, limit=10)

    assert ids(events) == [*sorted(first), second]
    assert ids(events_after(events[1].position, limit=10)) == [second]
    assert ids(events_after(start, limit=1)) == [min(first)]
    assert events_after(events[-1].position, limit=10) == []


def test_an_event_waits_for_transactions_that_began_before_it(start):
    """Otherwise a reader that remembers the last position would miss what such a transaction commits later."""
    recorded, may_end, early = threading.Event(), threading.Event(), []

    def slow():
        with transaction.atomic():
            early.append(record(LOGIN_SUCCEEDED))
            recorded.set()
            may_end.wait(120)
        connections.close_all()

    thread = threading.Thread(target=slow)
    thread.start()
    assert recorded.wait(120)
    late = record(LOGIN_SUCCEEDED)
    meanwhile = events_after(start, limit=10)
    may_end.set()
    thread.join()

    assert meanwhile == []
    assert ids(events_after(start, limit=10)) == [early[0], late]


def test_an_event_waits_for_no_transaction_of_another_database(start):
    elsewhere = psycopg.connect(**{**connection.get_connection_params(), "dbname": "postgres", "cursor_factory": None})
    with closing(elsewhere):
        elsewhere.execute("SELECT pg_current_xact_id()")
        event_id = record(LOGIN_SUCCEEDED)

        assert ids(events_after(start, limit=10)) == [event_id]


def test_a_reader_needs_an_index_only():
    with connection.cursor() as cursor:
        cursor.execute("SET enable_sort = off")  # the planner prefers to sort the few rows of a test
        cursor.execute(
            "EXPLAIN SELECT * FROM security_events_event event"
            " WHERE (event.transaction_id, event.id) > (5, '00000000-0000-0000-0000-000000000000')"
            " AND event.transaction_id < (SELECT security_events_oldest_transaction())"
            " ORDER BY event.transaction_id, event.id LIMIT 10"
        )
        plan = "\n".join(line for (line,) in cursor.fetchall())
        cursor.execute("RESET enable_sort")
    assert "Merge Append" in plan
    assert "->  Sort" not in plan


def test_an_event_waits_for_no_transaction_of_another_database_that_ends_meanwhile(start):
    """One that ends between the snapshot of a reader and its look at the locks is not mistaken for one of ours."""
    ended = threading.Event()

    def commit_elsewhere():
        parameters = {**connection.get_connection_params(), "dbname": "postgres", "cursor_factory": None}
        with closing(psycopg.connect(**parameters, autocommit=True)) as elsewhere:
            while not ended.is_set():
                elsewhere.execute("SELECT pg_current_xact_id()")

    threads = [threading.Thread(target=commit_elsewhere) for _ in range(3)]
    for thread in threads:
        thread.start()
    late, position = 0, start
    for _ in range(300):
        event_id = record(LOGIN_SUCCEEDED)
        found = events_after(position, limit=10)
        late += event_id not in ids(found)
        position = found[-1].position if found else position
    ended.set()
    for thread in threads:
        thread.join()

    # One that has its number and gets no CPU to take its lock, for all the time that the reader looks, still counts.
    assert late <= 2


def test_an_event_does_not_wait_for_autovacuum():
    """Its processes have transactions, but no role: an ANALYZE of a large table takes minutes. Clients have one."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_get_functiondef('security_events_oldest_transaction()'::regprocedure)")
        (definition,) = cursor.fetchone()
        cursor.execute(
            "SELECT backend_type FROM pg_stat_activity WHERE (usesysid IS NULL) = (backend_type = 'client backend')"
        )
        exceptions = cursor.fetchall()
    assert "backend.usesysid IS NULL" in definition
    assert not {"client backend", "autovacuum worker"} & {kind for (kind,) in exceptions}
