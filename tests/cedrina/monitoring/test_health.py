"""The health of each part: what a report says when the part is well, late, full or gone."""

import os
import shutil
from datetime import timedelta
from typing import NamedTuple

import pytest
from django.db import OperationalError, connection
from django.db.models import F
from django.utils import timezone

from accounts.access.models import PolicyHead
from accounts.access.services import active_policy
from cedrina.monitoring.health import checks, parts
from cedrina.monitoring.health.checks import CheckStatus, health_check
from cedrina.monitoring.health.report import make_report
from tests.programs.ports import free_port
from tokens.models import SigningKey

pytestmark = pytest.mark.django_db


class Usage(NamedTuple):
    total: int
    used: int
    free: int


def status(name, *, now=None):
    return make_report(now=now or timezone.now()).checks[name]


def job(*, queue, since, attempts=0, scheduled_at=None, task="accounts.send_mail"):
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO procrastinate_jobs (queue_name, task_name, attempts, scheduled_at) VALUES (%s, %s, %s, %s)"
            " RETURNING id",
            [queue, task, attempts, scheduled_at],
        )
        (identity,) = cursor.fetchone()
        cursor.execute("UPDATE procrastinate_events SET at = %s WHERE job_id = %s", [since, identity])


def worker(*, seen):
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO procrastinate_workers (last_heartbeat) VALUES (%s)", [seen])


class TestAReport:
    def test_has_the_worst_status_of_all_parts(self):
        now = timezone.now()
        report = make_report(now=now)
        assert report.status is CheckStatus.FAILED
        assert report.checks["jobs"].status is CheckStatus.FAILED
        assert report.checks["database"].status is CheckStatus.OK
        assert all(result.latency_ms >= 0 for result in report.checks.values())

    def test_goes_on_after_a_check_that_breaks_and_shows_nothing_of_its_message(self):
        @health_check("broken")
        def broken(_now):
            raise RuntimeError("postgres://cedrina:secret@db")

        try:
            result = status("broken")
        finally:
            del checks.CHECKS["broken"]
        assert result.status is CheckStatus.FAILED
        assert result.detail == "The check ended with RuntimeError; the log says why."

    def test_says_that_the_database_is_gone_and_nothing_else_of_it(self):
        @health_check("gone")
        def gone(_now):
            raise OperationalError("connection to server at 10.0.0.7, user cedrina")

        try:
            result = status("gone")
        finally:
            del checks.CHECKS["gone"]
        assert (result.status, result.detail) == (CheckStatus.FAILED, "The database does not answer.")


class TestTheDatabase:
    def test_fails_when_it_takes_no_writes(self):
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL transaction_read_only = on")
        assert status("database").status is CheckStatus.FAILED


class TestTheReplica:
    def test_is_unused_without_one(self):
        assert status("replica").status is CheckStatus.UNUSED

    def test_warns_when_it_is_a_primary(self, monkeypatch):
        monkeypatch.setattr(parts, "connections", Replicas(connection))
        assert status("replica").status is CheckStatus.WARNING


class Replicas(dict):
    """Connections with a replica that is the primary itself."""

    def __init__(self, replica):
        super().__init__({parts.REPLICA: replica})
        self.settings = self


class TestRedis:
    @pytest.fixture
    def redis_url(self, settings):
        url = os.environ["REDIS_URL"]
        settings.RATELIMITING = {**settings.RATELIMITING, "REDIS_URL": url}
        return url

    def test_is_unused_without_a_url(self, settings):
        settings.RATELIMITING = {**settings.RATELIMITING, "REDIS_URL": None}
        report = make_report(now=timezone.now())
        assert report.checks["channels"].status is CheckStatus.UNUSED
        assert report.checks["cache"].status is CheckStatus.UNUSED

    def test_hands_a_message_on(self, redis_url):
        assert status("channels").status is CheckStatus.OK

    def test_fails_when_nobody_listens_there(self, settings):
        url = f"redis://:secret@127.0.0.1:{free_port()}/0"
        settings.RATELIMITING = {**settings.RATELIMITING, "REDIS_URL": url}
        result = status("channels")
        assert result.status is CheckStatus.FAILED
        assert "secret" not in result.detail


class TestJobs:
    def test_need_a_worker_that_lives(self):
        now = timezone.now()
        assert status("jobs", now=now).status is CheckStatus.FAILED
        worker(seen=now - timedelta(seconds=5))
        assert status("jobs", now=now).status is CheckStatus.OK
        assert status("jobs", now=now + timedelta(minutes=2)).status is CheckStatus.FAILED

    def test_warn_when_some_wait(self):
        now = timezone.now()
        worker(seen=now)
        job(queue="maintenance", since=now - timedelta(minutes=6), task="cedrina.purge_expired")
        result = status("jobs", now=now)
        assert result.status is CheckStatus.WARNING
        assert "maintenance" in result.detail

    def test_do_not_count_what_is_to_run_later(self):
        now = timezone.now()
        worker(seen=now)
        later = now + timedelta(hours=1)
        job(queue="maintenance", since=now - timedelta(hours=1), scheduled_at=later, task="cedrina.purge_expired")
        assert status("jobs", now=now).status is CheckStatus.OK


class TestMail:
    def test_fails_when_it_waits_and_warns_when_it_is_tried_again(self):
        now = timezone.now()
        assert status("mail", now=now).status is CheckStatus.OK
        job(
            queue="mail",
            since=now - timedelta(hours=1),
            attempts=2,
            scheduled_at=now + timedelta(seconds=30),
            task=parts.mail_queue.SEND_TASK,
        )
        assert status("mail", now=now).status is CheckStatus.WARNING
        assert status("mail", now=now + timedelta(minutes=10)).status is CheckStatus.FAILED


class TestKeys:
    def test_fail_without_one_that_signs(self):
        now = timezone.now()
        SigningKey.objects.all().delete()
        assert status("keys", now=now).status is CheckStatus.FAILED


class TestThePolicy:
    @pytest.fixture(autouse=True)
    def _own_state(self):
        active_policy.forget()
        yield
        active_policy.forget()

    def test_is_unused_until_this_process_decides_by_it_and_warns_when_it_is_behind(self):
        assert status("policy").status is CheckStatus.UNUSED
        active_policy.refresh()
        assert status("policy").status is CheckStatus.OK
        PolicyHead.objects.update(version=F("version") + 1)
        assert status("policy").status is CheckStatus.WARNING

    def test_fails_when_it_is_too_old_to_decide_by(self, settings):
        settings.ACCESS = {**getattr(settings, "ACCESS", {}), "MAX_STALENESS": timedelta(0)}  # forgets the policy
        active_policy.refresh()
        assert status("policy").status is CheckStatus.FAILED


class TestTheDisk:
    @pytest.mark.parametrize(
        ("free", "expected"), [(50, CheckStatus.OK), (9, CheckStatus.WARNING), (1, CheckStatus.FAILED)]
    )
    def test_is_judged_by_its_free_share(self, monkeypatch, free, expected):
        monkeypatch.setattr(shutil, "disk_usage", lambda _path: Usage(100, 100 - free, free))
        assert status("disk").status is expected
