"""Operators retry and cancel background jobs; the page of jobs; and why a job failed."""

import threading

import pytest
from asgiref.sync import async_to_sync
from django.db import connection, connections
from django.test import Client
from django.utils import timezone
from procrastinate.contrib.django import app
from procrastinate.contrib.django.models import ProcrastinateJob

from accounts.access.known_permissions import KNOWN_PERMISSIONS
from accounts.errors import NotAllowed
from accounts.services.mailing import mail_queue
from cedrina.models import BackgroundJob, JobFailure
from cedrina.operations import job_actions, job_failures, jobs
from cedrina.operations.job_kinds import JOB_KINDS, JOB_STATES
from security_events.models import SecurityEvent
from tests.factories.accounts import UserFactory, give
from tests.factories.tokens import sign_in_at_admin

pytestmark = pytest.mark.django_db
LIST = "/admin/cedrina/backgroundjob/"


@pytest.fixture
def boss():
    return UserFactory(username="boss", admin=True)


@pytest.fixture
def browser(boss):
    client = Client()
    sign_in_at_admin(client, boss)
    return client


def defer(state="todo", task="cedrina.purge_expired", **arguments):
    """Queue a job by the library and give it a state as a worker does."""
    job_id = app.configure_task(name=task, queue="maintenance").defer(**(arguments or {"timestamp": 1}))
    if state != "todo":
        with connection.cursor() as cursor:
            cursor.execute("UPDATE procrastinate_jobs SET status = %s WHERE id = %s", [state, job_id])
    return job_id


def state_of(job_id):
    return ProcrastinateJob.objects.get(pk=job_id).status


class TestRetry:
    def test_runs_a_failed_job_again_and_records_why(self, boss):
        job_id = defer("failed")

        assert job_actions.retry(job_id=job_id, by=boss, reason="server is back", now=timezone.now())

        assert state_of(job_id) == "todo"
        event = SecurityEvent.objects.get(type="job.retried")
        assert (event.actor_id, event.target_id) == (str(boss.pk), f"job-{job_id}")
        assert event.data == {
            "task": "cedrina.purge_expired",
            "queue": "maintenance",
            "attempts": 0,
            "note": "server is back",
        }

    @pytest.mark.parametrize("state", ["todo", "doing", "succeeded", "cancelled"])
    def test_leaves_every_other_job_as_it_is(self, boss, state):
        job_id = defer(state)
        assert not job_actions.retry(job_id=job_id, by=boss, reason="r", now=timezone.now())
        assert state_of(job_id) == state
        assert not SecurityEvent.objects.filter(type__startswith="job.").exists()

    def test_leaves_a_job_whose_like_waits_already(self, boss):
        failed = defer("failed")
        defer()  # the task has a queueing lock

        assert not job_actions.retry(job_id=failed, by=boss, reason="r", now=timezone.now())
        assert state_of(failed) == "failed"
        assert not SecurityEvent.objects.filter(type="job.retried").exists()

    def test_is_refused_to_staff(self):
        job_id = defer("failed")
        staff = UserFactory()
        give(staff, *(name for name in KNOWN_PERMISSIONS if name != "jobs:change"))
        for action in (job_actions.retry, job_actions.cancel):
            with pytest.raises(NotAllowed):
                action(job_id=job_id, by=staff, reason="r", now=timezone.now())
        assert state_of(job_id) == "failed"


class TestCancel:
    def test_cancels_a_job_that_waits_and_records_why(self, boss):
        job_id = defer()
        assert job_actions.cancel(job_id=job_id, by=boss, reason="wrong", now=timezone.now())
        assert state_of(job_id) == "cancelled"
        assert SecurityEvent.objects.get(type="job.cancelled").data["note"] == "wrong"

    @pytest.mark.parametrize("state", ["doing", "failed", "succeeded"])
    def test_leaves_every_other_job_as_it_is(self, boss, state):
        job_id = defer(state)
        assert not job_actions.cancel(job_id=job_id, by=boss, reason="r", now=timezone.now())
        assert state_of(job_id) == state


@pytest.mark.django_db(transaction=True)
def test_of_operators_who_cancel_at_once_one_does_it(boss):
    job_id = defer()
    results, barrier = [], threading.Barrier(4)

    def cancel():
        try:
            barrier.wait(120)
            results.append(job_actions.cancel(job_id=job_id, by=boss, reason="r", now=timezone.now()))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=cancel) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert sorted(results) == [False, False, False, True]
    assert SecurityEvent.objects.filter(type="job.cancelled").count() == 1


class TestPage:
    def test_lists_jobs_without_their_arguments(self, browser):
        job_id = defer("failed", task=mail_queue.SEND_TASK, mail_id="mail-of-mina@example.com")
        JobFailure.objects.create(job_id=job_id, error="smtplib.SMTPServerDisconnected", failed_at=timezone.now())

        listed = browser.get(LIST).content.decode()
        detail = browser.get(f"{LIST}{job_id}/change/").content.decode()

        for text in (listed, detail):
            assert "Send a mail" in text
            assert "smtplib.SMTPServerDisconnected" in text
            assert "mina@example.com" not in text
            assert "+00:00" not in text  # times are in the format of the language
            assert ">None<" not in text

    @pytest.mark.parametrize(
        ("query", "is_shown"),
        [
            ({"status": "failed"}, True),
            ({"status": "todo"}, False),
            ({"queue_name": "maintenance"}, True),
            ({"queue_name": "mail"}, False),
            ({"task_name": "cedrina.purge_expired"}, True),
            ({"task_name": "cedrina.erase_deleted"}, False),
            ({"status": "no_state"}, False),
            ({"queue_name": "\0"}, False),
        ],
    )
    def test_is_filtered_by_state_kind_and_queue(self, browser, query, is_shown):
        job_id = defer("failed")
        assert (f"{LIST}{job_id}/change/" in browser.get(LIST, query).content.decode()) is is_shown

    def test_retries_and_cancels_with_a_reason(self, browser):
        failed, waiting = defer("failed"), defer(task="cedrina.erase_deleted")
        for action, expected in (("retry", ("todo", "todo")), ("cancel", ("cancelled", "cancelled"))):
            chosen = {"action": action, "_selected_action": [str(failed), str(waiting)]}
            assert 'name="reason"' in browser.post(LIST, chosen).content.decode()
            browser.post(LIST, {**chosen, "confirmed": "yes", "reason": "r"})
            assert (state_of(failed), state_of(waiting)) == expected
        assert "job.retried" in browser.get(f"{LIST}{failed}/history/").content.decode()

    def test_is_read_only_for_staff_with_the_permission_and_closed_to_others(self, boss):
        job_id = defer()
        user = UserFactory(roles=["users:read"])
        client = Client()
        sign_in_at_admin(client, user)
        assert client.get(LIST).status_code == 403
        give(user, "jobs:read")

        assert "cedrina" in client.get(LIST).content.decode()
        client.post(LIST, {"action": "cancel", "_selected_action": [str(job_id)], "confirmed": "yes", "reason": "r"})
        assert state_of(job_id) == "todo"
        assert client.get("/admin/procrastinate/procrastinatejob/").status_code == 404


class TestKinds:
    def test_name_each_task_and_each_state(self):
        ours = {name for name in app.tasks if name.startswith(("cedrina.", "accounts."))}
        assert ours <= set(JOB_KINDS)
        assert set(JOB_STATES) == set(ProcrastinateJob.STATUSES)


class TestStoreFailure:
    class Context:
        class job:  # noqa: N801 - the library's attribute
            id = 17

    async def run(self, error):
        async def call_next():
            raise error

        return await job_failures.store_failure(call_next, self.Context, None)

    def test_keeps_the_class_of_the_last_error_and_nothing_of_its_message(self):
        for error in (ValueError("mina@example.com"), ConnectionResetError("mina@example.com")):
            with pytest.raises(type(error)):
                async_to_sync(self.run)(error)
        row = JobFailure.objects.get()
        assert (row.job_id, row.error) == (17, "builtins.ConnectionResetError")

    def test_is_deleted_with_the_failed_jobs(self, now):
        JobFailure.objects.create(job_id=1, error="x.Y", failed_at=now)
        JobFailure.objects.create(
            job_id=2, error="x.Y", failed_at=now - 2 * job_failures.timedelta(hours=jobs.FAILED_HOURS)
        )
        assert job_failures.purge(now=now, older_than=job_failures.timedelta(hours=jobs.FAILED_HOURS)) == 1
        assert BackgroundJob.objects.count() == 0
