"""The background worker loses its database, in each way that a network can fail, and goes on by itself."""

import signal
import socket
import time
from urllib.parse import urlsplit

import httpx
import psycopg
import pytest

from cedrina.operations.job_worker import JOB_TIMEOUT_SECONDS
from cedrina.tooling.embedded import postgres_server
from tests import fault_figures
from tests.peers.mail_server import MailServer, worker
from tests.peers.network import Network
from tests.programs import served
from tests.programs.busy import Lateness

pytestmark = pytest.mark.fault

A_MINUTE_PASSED = "UPDATE procrastinate_workers SET last_heartbeat = last_heartbeat - interval '1 minute'"
UNFINISHED = "SELECT count(*) FROM procrastinate_jobs WHERE queue_name = 'mail' AND status IN ('todo', 'doing')"
OUTAGE_SECONDS = 8  # longer than the worker waits for an answer to a question of its queue
END_SECONDS = 30


@pytest.fixture(scope="module")
def url():
    with served.database() as url:
        yield url


@pytest.fixture(scope="module")
def site(url):
    """The application, which reaches its database by another way than the worker does."""
    address = MailServer().url
    with served.serving(database_url=url, EMAIL_URL=address, EMAIL_CONFIRMATION="required") as running:
        yield running


@pytest.fixture
def mail_server(site):
    server = MailServer(urlsplit(site.environment["EMAIL_URL"]).port).start()
    yield server
    server.release()
    server.stop()


@pytest.fixture
def network(url):
    with Network(url) as network:
        yield network


@pytest.fixture(scope="class")
def network_and_worker(site, url):
    """Return one worker, which goes through all faults, and its way to the database."""
    with Network(url) as network, worker(site, DATABASE_URL=network.url) as running:
        yield network, running


def until_ready(site):
    deadline = time.monotonic() + 120
    while httpx.get(f"{site.url}/readyz", timeout=120).status_code != 200:
        assert time.monotonic() < deadline
        time.sleep(0.1)


def write_to(newcomer, site):
    """Have a mail sent, and return to whom."""
    person = newcomer(site)
    assert person.register().status_code == 202
    return person.address


def until_sent(site, mail_server):
    """Wait until the first mail is sent and that is stored: one whose connection is lost in between is sent again."""
    mail_server.wait_for(1)
    url = site.environment["DATABASE_URL"]
    deadline = time.monotonic() + 60
    with psycopg.connect(url.replace("postgres://", "postgresql://"), autocommit=True) as connection:
        while connection.execute(UNFINISHED).fetchone()[0]:
            assert time.monotonic() < deadline
            time.sleep(0.05)


def check_each_got_one(mail_server, addresses, *, fault="the worker loses its database"):
    def received():
        return sorted(message["To"] for message in mail_server.accepted if message["To"] in addresses)

    deadline = time.monotonic() + 120
    while set(received()) != set(addresses):
        assert time.monotonic() < deadline, received()
        time.sleep(0.1)
    time.sleep(2)  # for a second copy to come
    copies = len(received()) - len(addresses)
    fault_figures.keep(fault, "mails sent twice or never", abs(copies), goal=0, unit="")
    assert received() == sorted(addresses)


class TestAWorkerThatLosesItsDatabase:
    @pytest.mark.parametrize("fault", ["cut", "reset", "swallow", "delay", "forget"])
    def test_goes_on_by_itself_and_sends_each_mail_once(self, site, network_and_worker, mail_server, newcomer, fault):
        network, running = network_and_worker
        network.heal()
        addresses = [write_to(newcomer, site)]
        until_sent(site, mail_server)
        getattr(network, fault)(*([30] if fault == "delay" else []))
        addresses += [write_to(newcomer, site) for _ in range(2)]
        time.sleep(OUTAGE_SECONDS)
        if fault != "forget":
            assert not {message["To"] for message in mail_server.accepted} & set(addresses[1:])
        network.heal()
        check_each_got_one(mail_server, addresses)
        assert running.process.poll() is None


class TestAWorkerWithoutDatabase:
    def test_that_stops_and_starts_goes_on_by_itself(self, mail_server, newcomer):
        settings = {"EMAIL_URL": mail_server.url, "EMAIL_CONFIRMATION": "required"}
        with (
            postgres_server.temporary(is_durable=True) as postgres,
            served.database(at=postgres.url) as url,
            served.serving(database_url=url, **settings) as site,
            worker(site) as running,
        ):
            addresses = [write_to(newcomer, site)]
            until_sent(site, mail_server)
            postgres.stop()
            time.sleep(OUTAGE_SECONDS)
            postgres.start()
            until_ready(site)
            addresses.append(write_to(newcomer, site))
            check_each_got_one(mail_server, addresses)
            assert running.process.poll() is None

    def test_waits_for_it_at_the_start(self, site, network, mail_server, newcomer):
        network.cut()
        with worker(site, DATABASE_URL=network.url) as running:
            address = write_to(newcomer, site)
            time.sleep(OUTAGE_SECONDS)
            assert running.process.poll() is None
            network.heal()
            check_each_got_one(mail_server, [address])

    @pytest.mark.parametrize("fault", ["cut", "swallow"])
    def test_still_ends_when_it_is_asked_to(self, site, network, mail_server, newcomer, fault):
        with worker(site, DATABASE_URL=network.url) as running:
            write_to(newcomer, site)
            until_sent(site, mail_server)
            getattr(network, fault)()
            time.sleep(OUTAGE_SECONDS)
            with Lateness() as lateness:
                began = time.monotonic()
                running.process.send_signal(signal.SIGTERM)
                assert running.process.wait(timeout=200) == 0
                seconds = time.monotonic() - began
            # A job of the queue may have begun just before, and waits for its answer for as long as jobs do; so
            # does the statement that records how it ended.
            assert seconds < 2 * JOB_TIMEOUT_SECONDS + END_SECONDS + lateness.allowance

    def test_that_loses_it_in_mid_send_repeats_a_mail_at_most_under_the_same_name(
        self, url, site, network, mail_server, newcomer
    ):
        mail_server.hold()
        with worker(site, DATABASE_URL=network.url) as running:
            address = write_to(newcomer, site)
            assert mail_server.reading.wait(60)
            network.swallow()
            mail_server.release()
            time.sleep(OUTAGE_SECONDS)
            network.heal()
            # What the network swallowed still holds the mail's row; PostgreSQL finds out in its own time.
            served.execute(url, A_MINUTE_PASSED)
            mail_server.wait_for(1, seconds=150)  # jobs of the dead are looked for at the beginning of each minute
            assert running.process.poll() is None
        assert {message["To"] for message in mail_server.accepted} == {address}
        assert len({message["Message-ID"] for message in mail_server.accepted}) == 1


class TestAMailServerThatHangs:
    def test_holds_up_one_attempt_and_not_the_worker(self, url, newcomer):
        mail_server = MailServer()
        settings = {"EMAIL_URL": mail_server.url, "EMAIL_CONFIRMATION": "required"}
        with served.serving(database_url=url, **settings) as site, worker(site) as running:
            with socket.create_server(("127.0.0.1", mail_server.port)) as silent:
                address = write_to(newcomer, site)
                held, _ = silent.accept()
                with held:
                    held.settimeout(60)
                    assert held.recv(1) == b"", "the worker waits for ever"
            mail_server.start()
            try:
                check_each_got_one(mail_server, [address], fault="the mail server hangs")
                assert running.process.poll() is None
            finally:
                mail_server.stop()
