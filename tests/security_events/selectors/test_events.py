import re
import uuid

import pytest
from django.db import connection

from accounts.event_types import ACCOUNT_DEACTIVATED, ACCOUNT_REGISTRATION_REPEATED, LOGIN_SUCCEEDED, REAUTHENTICATED
from security_events.selectors import events as selectors
from security_events.services.recording import record
from security_events.types import Subject
from tokens.event_types import KEY_CREATED, SESSION_REVOKED

pytestmark = pytest.mark.django_db

MINA, OPERATOR, OTHER = (Subject(id=f"{name}-id", name=name) for name in ("mina", "operator", "other"))


def page(subject=MINA, before=None, limit=50):
    return selectors.events_about(subject_id=subject.id, before=before, limit=limit)


class TestEventsAbout:
    def test_finds_events_by_a_user_and_about_a_user_once_each_newest_first(self):
        first = record(LOGIN_SUCCEEDED, actor=MINA, target=MINA)
        second = record(ACCOUNT_DEACTIVATED, actor=OPERATOR, target=MINA)
        third = record(SESSION_REVOKED, actor=MINA, target=OTHER)
        record(LOGIN_SUCCEEDED, actor=OTHER, target=OTHER)
        record(KEY_CREATED)

        assert [event.id for event in page()] == sorted([first, second, third], reverse=True)

    def test_finds_events_about_a_user_by_unknown_actors(self):
        event = record(ACCOUNT_REGISTRATION_REPEATED, actor=Subject(name="x@example.com"), target=MINA)

        assert [found.id for found in page()] == [event]

    def test_goes_on_after_the_last_one_seen(self):
        ids = sorted((record(REAUTHENTICATED, actor=MINA, target=MINA) for _ in range(5)), reverse=True)

        assert [event.id for event in page(limit=2)] == ids[:2]
        assert [event.id for event in page(before=ids[1], limit=2)] == ids[2:4]
        assert [event.id for event in page(before=ids[3], limit=2)] == ids[4:]

    def test_finds_nothing_without_a_subject(self):
        record(KEY_CREATED)

        assert page(Subject()) == []

    @pytest.mark.parametrize("has_cursor", [False, True])
    def test_reads_no_partition_whole(self, has_cursor):
        """By the plan, and by the rows that were looked at among thousands: as many as are shown."""
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('test.subject', %s, TRUE)", [MINA.id])
            cursor.execute(
                """
                INSERT INTO security_events_event
                SELECT security_events_uuid7(), statement_timestamp(), 'session.created', 'session', 'info', 'success',
                       who, 'm***', '', whom, 'm***', NULL, NULL, '', NULL, '', 0, '[]', '{}'
                FROM generate_series(1, 6000) AS number,
                     LATERAL (SELECT CASE number % 3 WHEN 0 THEN 'mina-id' ELSE 'other' || number END AS who,
                                     CASE number % 3 WHEN 2 THEN 'other' || number ELSE 'mina-id' END AS whom) AS x
                """
            )
            cursor.execute("ANALYZE security_events_event")
            before = page(limit=100)[-1].id if has_cursor else uuid.UUID(int=2**128 - 1)
            parameters = {"subject_id": MINA.id, "before": before, "limit": 50}
            cursor.execute("EXPLAIN (ANALYZE, BUFFERS, COSTS OFF, TIMING OFF) " + selectors.EVENTS_ABOUT, parameters)
            plan = "\n".join(line for (line,) in cursor.fetchall())

        assert "Seq Scan" not in plan
        assert "Bitmap" not in plan
        scans = re.findall(r"Index (?:Only )?Scan.*?actual rows=(\d+)", plan)
        assert scans
        assert max(int(rows) for rows in scans) <= 51, plan
