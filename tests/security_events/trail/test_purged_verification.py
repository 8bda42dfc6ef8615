"""Verification tells what retention has deleted from what somebody else has."""

import pytest
from django.db import connection
from django.utils import timezone

from cedrina.event_types import JOB_CANCELLED, RATELIMIT_REFUSED
from security_events.services.retention import purging, terms
from security_events.services.trail import sealing, verification
from tests.security_events.old_events import days_ago, drop_old_partitions, record_old
from tests.security_events.tampered import EVENTS, LEAVES, empty_trail, event_at, owner, rows

pytestmark = pytest.mark.django_db(transaction=True)
PURGES = "security_events_retention_purge"


@pytest.fixture(autouse=True)
def trail(settings):
    """40 events of long ago, each fourth of which stays, and some of today."""
    empty_trail()
    with connection.cursor() as cursor:  # how far other tests have deleted
        cursor.execute("DELETE FROM security_events_retention_progress")
    for _ in range(10):
        record_old(RATELIMIT_REFUSED, at=days_ago(40), count=3)
        record_old(JOB_CANCELLED, at=days_ago(40))
    sealing.seal(now=timezone.now())
    yield
    empty_trail()
    owner_of_purges(f"DELETE FROM {PURGES}")
    drop_old_partitions()
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM security_events_retention_term")
        cursor.execute("DELETE FROM security_events_retention_progress")


def owner_of_purges(statement, *parameters):
    if rows(f"SELECT FROM {PURGES}"):
        owner(statement, *parameters, tables=(PURGES,))


def purge(settings, *, leaves=None, **categories):
    settings.SECURITY_EVENTS = {
        **settings.SECURITY_EVENTS,
        "RETENTION_DAYS_BY_CATEGORY": categories,
        "LEAF_RETENTION_DAYS": leaves,
    }
    terms.store_terms()
    return purging.purge(now=timezone.now())


def verify():
    return verification.verify(now=timezone.now())


def test_what_has_expired_is_not_wrong(settings):
    assert purge(settings, ratelimit=30).events == 30
    report = verify()
    assert report.first_wrong is None
    assert (report.not_covered.pruned_below, report.not_covered.purged) == (3, 27)
    sealing.seal(now=timezone.now())
    assert verify().ok


def test_all_of_an_old_time_may_be_gone(settings):
    report = purge(settings, leaves=30, ratelimit=30, job=30)
    sealing.seal(now=timezone.now())
    report = purge(settings, leaves=30, ratelimit=30, job=30)
    assert rows(f"SELECT min(leaf_index) FROM {LEAVES}") == [(32,)], report
    assert verify().first_wrong is None
    assert verify().not_covered.pruned_below == 40


def test_what_no_event_says_is_removed(settings):
    """The owner of the tables adds the row that a deletion has, without its event."""
    owner(f"DELETE FROM {EVENTS} WHERE id = %s", event_at(5))
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {PURGES} VALUES (security_events_uuid7(), now(), 1, int8multirange(int8range(5, 5, '[]')))"
        )
    found = verify().first_wrong
    assert (found.id, found.index, found.reason) == (event_at(5), 5, "removed")


def test_more_than_an_event_says_is_removed(settings):
    """The owner adds to a deletion that there was."""
    purge(settings, ratelimit=30)
    kept = event_at(3)
    owner(f"DELETE FROM {EVENTS} WHERE id = %s", kept)
    owner_of_purges(f"UPDATE {PURGES} SET leaves = leaves + int8multirange(int8range(3, 3, '[]'))")
    assert verify().first_wrong.reason == "removed"


def test_a_beginning_that_is_gone_without_an_event_is_removed():
    owner(f"DELETE FROM {EVENTS} WHERE id IN (SELECT event_id FROM {LEAVES} WHERE leaf_index < 16)")
    owner(f"DELETE FROM {LEAVES} WHERE leaf_index < 16")
    found = verify().first_wrong
    assert (found.kind, found.index, found.reason) == ("event", 0, "removed")
