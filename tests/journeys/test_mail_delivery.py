"""Mail through a real SMTP server that is down and comes back, and through workers that are killed in mid-send."""

import signal
import time
from urllib.parse import urlsplit

import psycopg
import pytest

from tests import fault_figures
from tests.peers.mail_server import MailServer, worker
from tests.programs import served

pytestmark = pytest.mark.fault

SOON = "UPDATE procrastinate_jobs SET scheduled_at = now() WHERE status = 'todo'"
# As if its last sign of life were older than those of the living may be.
A_MINUTE_PASSED = "UPDATE procrastinate_workers SET last_heartbeat = last_heartbeat - interval '1 minute'"


@pytest.fixture(scope="module")
def url():
    with served.database() as url:
        yield url


@pytest.fixture(scope="module")
def site(url):
    """The application, which hands its mail to whichever server listens at one port."""
    address = MailServer().url
    with served.serving(database_url=url, EMAIL_URL=address, EMAIL_CONFIRMATION="required") as running:
        yield running


@pytest.fixture
def mail_server(site):
    server = MailServer(urlsplit(site.environment["EMAIL_URL"]).port)
    yield server
    server.release()
    server.stop()


def rows(url, query):
    with psycopg.connect(url.replace("postgres://", "postgresql://"), autocommit=True) as connection:
        return connection.execute(query).fetchall()


def until(url, query, expected, *, seconds=60):
    deadline = time.monotonic() + seconds
    while (found := rows(url, query)) != expected:
        assert time.monotonic() < deadline, found
        time.sleep(0.1)


def jobs_that(condition):
    return f"SELECT count(*) FROM procrastinate_jobs WHERE queue_name = 'mail' AND {condition}"


def drain(url):
    until(url, jobs_that("status IN ('todo', 'doing')"), [(0,)])


class TestMailDelivery:
    def test_waits_for_a_server_that_is_down_and_is_sent_once(self, url, site, mail_server, newcomer):
        person = newcomer(site)
        assert person.register().status_code == 202  # nobody listens at that port
        with worker(site):
            until(url, jobs_that("task_name = 'accounts.send_mail' AND attempts > 0"), [(1,)])
            assert mail_server.accepted == []
            # What operators see of the error: its class, not the address in its message.
            until(url, "SELECT DISTINCT error FROM cedrina_jobfailure", [("builtins.ConnectionRefusedError",)])

            mail_server.start()
            served.execute(url, SOON)
            (message,) = mail_server.wait_for(1)
            drain(url)

        assert message["To"] == person.address
        copies = len(mail_server.accepted)
        fault_figures.keep("the mail server is down", "mails sent twice or never", abs(copies - 1), goal=0, unit="")
        assert copies == 1
        assert rows(url, "SELECT count(*), count(sent_at) FROM accounts_outgoingmail") == [(1, 1)]

    def test_is_taken_over_from_a_worker_killed_in_mid_send_and_arrives_once(self, url, site, mail_server, newcomer):
        mail_server.start()
        mail_server.hold()
        person = newcomer(site)
        person.register()
        with worker(site) as doomed:
            assert mail_server.reading.wait(60), "the worker did not send"
            doomed.end(signal.SIGKILL)
        mail_server.release()
        until(url, jobs_that("status = 'doing'"), [(1,)])
        served.execute(url, A_MINUTE_PASSED)

        with worker(site):
            mail_server.wait_for(1, seconds=150)  # jobs of the dead are looked for at the beginning of each minute
            drain(url)

        to_them = [message for message in mail_server.accepted if message["To"] == person.address]
        assert len({message["Message-ID"] for message in to_them}) == 1
        assert len(to_them) == 1
        assert rows(url, "SELECT count(*) FROM accounts_outgoingmail WHERE sent_at IS NULL") == [(0,)]

    def test_is_not_repeated_by_a_job_that_is_taken_up_although_it_was_done(self, url, site, mail_server, newcomer):
        mail_server.start()
        person = newcomer(site)
        person.register()
        with worker(site):
            mail_server.wait_for(1)
            drain(url)
            served.execute(
                url, "UPDATE procrastinate_jobs SET status = 'todo', scheduled_at = now() WHERE queue_name = 'mail'"
            )
            drain(url)

        assert len([message for message in mail_server.accepted if message["To"] == person.address]) == 1

    def test_to_a_mailbox_that_does_not_exist_does_not_hold_up_the_others(self, url, site, mail_server, newcomer):
        mail_server.start()
        nobody, somebody = newcomer(site), newcomer(site)
        mail_server.refuse(nobody.address)
        nobody.register()
        somebody.register()
        with worker(site):
            (message,) = mail_server.wait_for(1)
            drain(url)

        assert message["To"] == somebody.address
        assert rows(url, "SELECT count(*) FROM accounts_outgoingmail WHERE drop_reason = 'refused'") == [(1,)]
