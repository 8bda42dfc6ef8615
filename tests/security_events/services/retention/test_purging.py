"""What expires is deleted, and only that; what is kept stays provable."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from cedrina.event_types import JOB_CANCELLED, RATELIMIT_REFUSED
from security_events.event_types import REFUSALS_SUPPRESSED
from security_events.models import SecurityEvent
from security_events.selectors import expired_events
from security_events.services import partitions
from security_events.services.retention import purging, terms
from security_events.services.trail import sealing
from tests.security_events.old_events import days_ago, delete_all_events, drop_old_partitions, record_old

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _no_other_events(db):
    delete_all_events()
    yield
    drop_old_partitions()
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM security_events_retention_term")


@pytest.fixture
def keep(settings):
    """Set the terms, and store them as `migrate` does."""

    def keep_for(default=None, *, leaves=None, **categories):
        settings.SECURITY_EVENTS = {
            **settings.SECURITY_EVENTS,
            "RETENTION_DAYS": default,
            "RETENTION_DAYS_BY_CATEGORY": categories,
            "LEAF_RETENTION_DAYS": leaves,
        }
        terms.store_terms()

    return keep_for


def categories():
    return set(SecurityEvent.objects.exclude(type="trail.events_purged").values_list("category", flat=True))


def purged():
    return [event.data for event in SecurityEvent.objects.filter(type="trail.events_purged").order_by("id")]


def record_expired(*, at, count=1):
    """Record events of a category with a short term, in a month in which something else is kept."""
    record_old(RATELIMIT_REFUSED, at=at, count=count)
    record_old(JOB_CANCELLED, at=at)


def seal():
    return sealing.seal(now=timezone.now()).checkpoint


class TestPurge:
    def test_keeps_everything_by_default(self):
        record_old(RATELIMIT_REFUSED, at=days_ago(5000), count=3)
        seal()

        report = purging.purge(now=timezone.now())

        assert (report.events, report.months, purged()) == (0, [], [])
        assert SecurityEvent.objects.filter(category="ratelimit").count() == 3

    def test_deletes_the_events_of_a_category_and_says_so_in_the_trail(self, keep):
        record_expired(at=days_ago(31), count=3)
        record_expired(at=days_ago(29), count=2)
        seal()
        keep(ratelimit=30)

        report = purging.purge(now=timezone.now())

        assert (report.events, report.categories) == (3, {"ratelimit": 3})
        assert SecurityEvent.objects.filter(category="ratelimit").count() == 2
        (said,) = purged()
        assert (said["category"], said["events"]) == ("ratelimit", 3)
        assert said["purge"] in expired_events.indexes_of_purged_events()

    def test_drops_a_month_when_everything_in_it_has_expired(self, keep):
        record_old(RATELIMIT_REFUSED, at=days_ago(500), count=3)
        record_old(JOB_CANCELLED, at=days_ago(500))
        record_old(JOB_CANCELLED, at=days_ago(300))
        seal()
        keep(400)
        preview = purging.preview(now=timezone.now())
        before = expired_events.partition_months()

        report = purging.purge(now=timezone.now())

        assert (report.events, report.months) == (preview.events, preview.months) == (4, [before[0]])
        assert expired_events.partition_months() == before[1:]
        (said,) = purged()
        assert (said["month"], said["events"]) == (f"{before[0]:%Y-%m}", 4)

    def test_works_in_batches_that_it_counts(self, keep, monkeypatch):
        monkeypatch.setattr(purging, "BATCH", 4)
        record_expired(at=days_ago(31), count=10)
        seal()
        keep(ratelimit=30)
        seen = []

        assert purging.purge(now=timezone.now(), progress=seen.append).events == 10
        assert [each["events"] for each in purged()] == [4, 4, 2]
        assert seen[-1] == 10

    def test_keeps_what_is_not_sealed(self, keep):
        record_expired(at=days_ago(31))
        seal()
        record_old(RATELIMIT_REFUSED, at=days_ago(500))
        record_expired(at=days_ago(40))
        keep(ratelimit=30)

        assert purging.purge(now=timezone.now()).events == 1

        seal()
        assert purging.purge(now=timezone.now()).events == 2  # one of them with its month

    def test_deletes_later_what_expires_later(self, keep):
        record_expired(at=days_ago(31))
        record_expired(at=days_ago(20))
        seal()
        keep(ratelimit=30)
        assert purging.purge(now=timezone.now()).events == 1

        keep(ratelimit=10)

        assert purging.purge(now=timezone.now()).events == 1
        assert purging.purge(now=timezone.now()).events == 0

    def test_leaves_rows_of_the_default_partition_no_longer_than_two_months_more(self, keep):
        record_old(JOB_CANCELLED, at=days_ago(401), has_partition=False)
        seal()
        keep(400, ratelimit=30)
        assert purging.purge(now=timezone.now()).events == 0

        keep(330, ratelimit=30)
        assert purging.purge(now=timezone.now()).events == 1

    def test_changes_nothing_when_it_only_looks(self, keep):
        record_expired(at=days_ago(31), count=3)
        seal()
        keep(ratelimit=30)

        assert purging.preview(now=timezone.now()).categories == {"ratelimit": 3}
        assert (SecurityEvent.objects.filter(category="ratelimit").count(), purged()) == (3, [])

    def test_by_two_at_once_deletes_and_says_everything_once(self, keep):
        record_expired(at=days_ago(31), count=60)
        seal()
        keep(ratelimit=30)

        def run(_number):
            try:
                return purging.purge(now=timezone.now()).events
            finally:
                connection.close()

        with ThreadPoolExecutor(3) as pool:
            assert sum(pool.map(run, range(3))) == 60
        assert sum(each["events"] for each in purged()) == 60

    def test_waits_for_no_long_query_on_a_month(self, keep):
        record_old(RATELIMIT_REFUSED, at=days_ago(430))
        seal()
        keep(400)

        def read_long():
            with transaction.atomic():
                SecurityEvent.objects.count()
                return pool.submit(run).result()

        def run():
            try:
                return purging.purge(now=timezone.now())
            finally:
                connection.close()

        with ThreadPoolExecutor(1) as pool:
            report = read_long()
        assert (len(report.busy), report.months, report.events) == (1, [], 0)
        assert purging.purge(now=timezone.now()).events == 1


class TestServingRole:
    @pytest.mark.parametrize(
        ("asked", "moment"),
        [('{"*": 7}', timedelta()), ('{"*": 7}', timedelta(days=9000)), ('{"ratelimit": -9000}', timedelta())],
    )
    def test_shortens_no_term(self, keep, asked, moment):
        record_expired(at=days_ago(29))
        seal()
        keep(ratelimit=30)

        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT events FROM security_events_purge_category('ratelimit', %s, %s, %s::uuid, 10)",
                [asked, timezone.now() + moment, "00000000-0000-0000-0000-000000000000"],
            )
            assert cursor.fetchall() == [(0,)]

    def test_deletes_nothing_that_is_kept_for_ever(self):
        record_old(RATELIMIT_REFUSED, at=days_ago(500))
        seal()

        with pytest.raises(DatabaseError, match="kept for ever"), connection.cursor() as cursor:
            cursor.execute(
                "SELECT security_events_purge_category('ratelimit', '{\"*\": 7}', now(), gen_random_uuid(), 10)"
            )
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT security_events_purge_month(%s, '{\"*\": 7}', now())", [days_ago(500).date().replace(day=1)]
            )
            assert cursor.fetchall() == []

    def test_is_let_through_the_triggers_only_by_the_functions(self, refused):
        record_old(REFUSALS_SUPPRESSED, at=days_ago(500))
        with refused():
            SecurityEvent.objects.all().delete()
        with refused(), connection.cursor() as cursor:
            cursor.execute("DELETE FROM security_events_trail_leaf WHERE false OR true")
            cursor.execute("DELETE FROM security_events_retention_purge")
            SecurityEvent.objects.all().delete()

    def test_owner_stores_no_term_below_a_week(self, keep):
        with pytest.raises(DatabaseError, match="security_events_retention_term_days_check"):
            keep(6)


class TestLeaves:
    def test_of_what_is_kept_stay_provable(self, keep):
        record_old(RATELIMIT_REFUSED, at=days_ago(500), count=100)
        record_old(JOB_CANCELLED, at=days_ago(20), count=5)
        checkpoint = seal()
        keep(400, leaves=450)

        report = purging.purge(now=timezone.now())

        assert (report.events, report.leaves) == (100, 96)  # whole groups of 16
        assert seal().size > checkpoint.size
        assert lowest_leaf() == 96

    def test_are_kept_as_long_as_their_own_term_says(self, keep):
        record_old(RATELIMIT_REFUSED, at=days_ago(500), count=40)
        seal()
        keep(400)
        assert purging.purge(now=timezone.now()).leaves == 0

        keep(400, leaves=600)
        assert purging.purge(now=timezone.now()).leaves == 0
        assert lowest_leaf() == 0


def lowest_leaf():
    with connection.cursor() as cursor:
        cursor.execute("SELECT min(leaf_index) FROM security_events_trail_leaf")
        return cursor.fetchone()[0]


class TestTerms:
    def test_of_servers_can_only_be_longer_than_the_stored_ones(self, keep, settings):
        keep(100, ratelimit=30)
        settings.SECURITY_EVENTS = {
            **settings.SECURITY_EVENTS,
            "RETENTION_DAYS": 50,
            "RETENTION_DAYS_BY_CATEGORY": {"ratelimit": None, "job": 200},
        }

        effective = terms.effective_terms({"ratelimit", "job", "key"})

        assert effective == {"ratelimit": None, "job": 200, "key": 100, "*": 100, "#leaves": None}


def test_partitions_are_made_again_after_a_run(keep, now):
    keep(400)
    purging.purge(now=timezone.now())
    assert partitions.ensure(now=timezone.now()) == []
