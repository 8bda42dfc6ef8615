"""DATABASE_REPLICA_URL: which reads a real streaming replica answers, and what happens when it is late or gone."""

import os
import signal
import time
from contextlib import ExitStack
from types import SimpleNamespace

import pytest

from tests import fault_figures
from tests.deployment import clusters, roles
from tests.deployment.clusters import Cluster, wait_until
from tests.deployment.refreshing_people import Refreshing, newcomers
from tests.deployment.test_failover import CAUGHT_UP, replica_of
from tests.programs import busy, served

pytestmark = pytest.mark.slow
RETRY_SECONDS = 10.0
SIGNED_IN = "authentication.login_succeeded"


@pytest.fixture(scope="module")
def installed():
    with ExitStack() as everything:
        machine = everything.enter_context(clusters.machine())
        primary = Cluster(machine, "first").initialise()
        everything.callback(primary.stop)
        primary.start()
        clusters.install(primary)
        replica = replica_of(primary, "second")
        everything.callback(replica.stop)
        settings = {"DATABASE_URL": primary.url(roles.SERVING), "DATABASE_REPLICA_URL": replica.url(roles.SERVING)}
        server = everything.enter_context(
            served.serving(
                database_url=settings["DATABASE_URL"], DATABASE_REPLICA_URL=settings["DATABASE_REPLICA_URL"],
                RATELIMIT_ENABLED="false",
            )
        )  # fmt: skip
        yield SimpleNamespace(primary=primary, replica=replica, server=server, settings=settings)


@pytest.fixture
def person(installed):
    with newcomers(installed.server) as register:
        yield register()


@pytest.fixture
def statements(installed):
    """Give a function that returns what the replica was asked since the test began."""
    with installed.replica.connect() as connection:
        connection.execute("ALTER SYSTEM SET log_statement = 'all'")
        connection.execute("SELECT pg_reload_conf()")
    size = installed.replica.log.stat().st_size

    def asked():
        with installed.replica.log.open("rb") as log:
            log.seek(size)
            return log.read().decode()

    return asked


def activity(person):
    answer = person.send("GET", "/auth/me/security-events")
    assert answer.status_code == 200, answer.text
    return [event["type"] for event in answer.json()["results"]]


class TestTheReplica:
    def test_answers_histories_and_nothing_about_identity(self, installed, person, statements):
        wait_until(lambda: installed.primary.value(CAUGHT_UP))
        events = activity(person)
        assert events
        assert person.refresh().status_code == person.me().status_code == 200
        asked = statements()
        assert "FROM security_events_event" in asked
        for table in ("accounts_user", "tokens_", "django_session", "ratelimiting_"):
            assert table not in asked

    def test_shows_each_write_to_the_next_read_also_under_load(self, installed, person, statements):
        with newcomers(installed.server) as register, Refreshing(register()):
            for number in range(20):
                device = person.device(installed.server)
                assert SIGNED_IN in activity(person)[:2], number
                assert device.send("POST", "/auth/logout").status_code in (200, 204)
                assert SIGNED_IN not in activity(person)[:1], number
        assert statements().count("FROM security_events_event") > 20  # of 40 by two parts each

    def test_is_not_used_while_it_is_late(self, installed, person, statements):
        with installed.replica.connect() as connection:
            connection.execute("SELECT pg_wal_replay_pause()")
            try:
                person.device(installed.server)
                assert SIGNED_IN in activity(person)
                assert "FROM security_events_event" not in statements()
            finally:
                connection.execute("SELECT pg_wal_replay_resume()")
        wait_until(lambda: installed.primary.value(CAUGHT_UP))

    @pytest.mark.fault
    def test_costs_one_read_in_ten_seconds_while_it_is_frozen(self, installed, person):
        postmaster = installed.replica.process.pid
        os.killpg(postmaster, signal.SIGSTOP)
        try:
            times = []
            with busy.Lateness() as lateness:
                for _ in range(4):
                    started = time.monotonic()
                    assert activity(person)
                    assert person.me().status_code == 200
                    times.append(time.monotonic() - started)
            fault_figures.keep("the replica is frozen", "the one slow answer", times[0], goal=6)
            fault_figures.keep("the replica is frozen", "each further answer", max(times[1:]), goal=1)
            assert times[0] < 6 + lateness.allowance
            assert max(times[1:]) < 1 + lateness.allowance
        finally:
            os.killpg(postmaster, signal.SIGCONT)

    def test_is_not_needed(self, installed, person):
        installed.replica.kill()
        with Refreshing(person) as load:
            wait_until(lambda: load.confirmed > 3)
        assert load.refused == []
        assert activity(person)

    def test_is_not_used_once_it_was_promoted(self, installed, person, statements_of_promoted):
        assert activity(person)
        assert "FROM security_events_event" not in statements_of_promoted()


@pytest.fixture
def statements_of_promoted(installed):
    replica = installed.replica
    replica.start()
    replica.value("SELECT pg_promote(true, 60)")
    size = replica.log.stat().st_size
    with newcomers(installed.server) as register:
        someone = register()
        deadline = time.monotonic() + 3 * RETRY_SECONDS
        # The killed replica is left alone for a while: wait until the server asks there again.
        while b"pg_is_in_recovery() AND" not in replica.log.read_bytes()[size:] and time.monotonic() < deadline:
            activity(someone)
            time.sleep(0.2)
    assert b"pg_is_in_recovery() AND" in replica.log.read_bytes()[size:]

    def asked():
        return replica.log.read_bytes()[size:].decode()

    return asked
