"""PostgreSQL goes away under a running server and comes back; a server is killed and another goes on."""

import os
import secrets
import signal
import time
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from cedrina.tooling.embedded import postgres_server
from tests import fault_figures
from tests.problem_shape import assert_problem
from tests.programs import served, stopped_processes
from tests.programs.busy import Lateness
from tokens.access_tokens.keyring import encoded_header
from tokens.signing_algorithms import RS256

pytestmark = pytest.mark.fault

ANSWER_SECONDS = 3
RECOVERY_SECONDS = 5
CUT = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
    "WHERE datname = current_database() AND pid <> pg_backend_pid()"
)
READ_ONLY = "SET default_transaction_read_only = on"
WRITABLE = "RESET default_transaction_read_only"


def until(condition, lateness, *, seconds=RECOVERY_SECONDS):
    """Wait until a condition holds, no longer than the application may take and the machine made it take."""
    began = time.monotonic()
    while not condition():
        assert time.monotonic() - began < seconds + lateness.allowance
        time.sleep(0.1)
    return time.monotonic() - began


@pytest.fixture(scope="module")
def postgres():
    with postgres_server.temporary(is_durable=True) as server:
        yield server


@pytest.fixture
def its_database(postgres):
    """A database on a server that this test may stop."""
    with served.database(at=postgres.url) as url:
        yield url
        if not postgres.is_running:
            postgres.start()


class TestWithoutPostgres:
    @pytest.mark.parametrize("flags", [(), ("--http",)], ids=["one port", "http"])
    def test_says_unavailable_serves_its_keys_and_recovers_by_itself(self, postgres, its_database, newcomer, flags):
        with served.serving(database_url=its_database, flags=flags) as server:
            person = newcomer(server)
            person.register()
            assert person.is_signed_in
            keys = person.client.get(f"{server.url}/.well-known/jwks.json").json()

            postgres.stop()
            self.check_outage(server, person, keys)
            postgres.start()

            self.check_recovery(server, person)

    def check_outage(self, server, person, keys):
        calls = [
            person.me,
            person.refresh,
            lambda: person.send("GET", "/auth/sessions"),
            lambda: person.send("POST", "/auth/logout", {}),
            lambda: person.send("POST", "/auth/introspect", {"token": person.tokens["access_token"]}),
            lambda: person.send("POST", "/auth/revoke", {"token": person.tokens["refresh_token"]}),
            lambda: person.send("POST", "/auth/login", {"username": person.name, "password": person.password}),
            lambda: person.client.get(f"{server.url}/readyz"),
        ]
        slowest = 0.0
        with Lateness() as lateness:
            for call in calls * 2:
                began = time.monotonic()
                assert_problem(call(), status=503, code="service_unavailable")
                slowest = max(slowest, time.monotonic() - began)
                assert slowest < ANSWER_SECONDS + lateness.allowance
        fault_figures.keep("PostgreSQL is down", "slowest answer", slowest, goal=ANSWER_SECONDS)
        assert person.client.get(f"{server.url}/livez").status_code == 200
        assert person.client.get(f"{server.url}/.well-known/jwks.json").json() == keys
        # What needs no database to be refused is still refused for what it is.
        assert_problem(person.me(token="x"), status=401, code="invalid_token")

    def check_recovery(self, server, person):
        with Lateness() as lateness:
            seconds = until(lambda: person.client.get(f"{server.url}/readyz").status_code == 200, lateness)
        fault_figures.keep("PostgreSQL is started again", "ready after", seconds, goal=RECOVERY_SECONDS)
        for _ in range(20):
            assert person.is_signed_in
            assert person.refresh().status_code == 200
        assert person.send("POST", "/auth/logout", {}).status_code == 204
        assert not person.is_signed_in


class TestWithoutPostgresAndAKeyThatIsNotKnown:
    """A worker that has been asked for nothing yet, and a key that was made after it had started."""

    @pytest.mark.parametrize("flags", [(), ("--http",)], ids=["one port", "http"])
    def test_refuses_no_token_that_may_be_valid_and_serves_the_keys(self, postgres, its_database, newcomer, flags):
        with (
            served.serving(database_url=its_database, flags=flags) as untouched,
            served.serving(database_url=its_database) as other,
        ):
            other.manage("rotate_signing_key", "--emergency", "--yes")
            person = newcomer(other)
            person.register()
            assert person.is_signed_in
            person.move_to(untouched)

            postgres.stop()
            for _ in range(5):
                self.check_outage(person)
            # Also with a token that can't be verified: this call does not need it.
            for headers in ({}, {"Authorization": f"Bearer {person.tokens['access_token']}"}):
                answer = person.client.get(f"{untouched.url}/.well-known/jwks.json", headers=headers)
                assert len(answer.json()["keys"]) == 1
            postgres.start()

            with Lateness() as lateness:
                until(lambda: person.is_signed_in, lateness, seconds=2 * RECOVERY_SECONDS)
            assert_problem(person.me(token=with_another_key(person)), status=401, code="invalid_token")

    def check_outage(self, person):
        answer = person.me()
        assert_problem(answer, status=503, code="service_unavailable")
        assert int(answer.headers["Retry-After"]) > 0
        # Whether a key of this shape exists is not known either; what is no token of ours is refused as ever.
        assert_problem(person.me(token=with_another_key(person)), status=503, code="service_unavailable")
        for junk in ("x", "a.b.c", person.tokens["access_token"][:-4] + "."):
            assert_problem(person.me(token=junk), status=401, code="invalid_token")


def with_another_key(person):
    """Return a user's token with the id of an unknown key."""
    _header, payload, signature = person.tokens["access_token"].split(".")
    return f"{encoded_header(secrets.token_urlsafe(32), algorithm=RS256)}.{payload}.{signature}"


class TestAFrozenPostgres:
    """Its connections stay open, and nothing comes: no limit of its own can end that."""

    @pytest.mark.parametrize("flags", [(), ("--http",)], ids=["one port", "http"])
    def test_is_given_up_and_taken_back(self, its_database, newcomer, flags):
        with served.serving(database_url=its_database, flags=flags) as server:
            person = newcomer(server)
            person.register()
            with frozen(its_database):
                assert_problem(person.me(), status=503, code="service_unavailable")
                assert person.client.get(f"{server.url}/livez").status_code == 200

            with Lateness() as lateness:
                seconds = until(lambda: person.is_signed_in, lateness)
            fault_figures.keep("PostgreSQL was frozen", "works after", seconds, goal=RECOVERY_SECONDS)
            assert person.refresh().status_code == 200


@contextmanager
def frozen(url):
    """Stop every process of a database server where it stands, until the block ends."""
    with psycopg.connect(url) as connection:
        backend = connection.execute("SELECT pg_backend_pid()").fetchone()[0]
        parent = int(Path(f"/proc/{backend}/stat").read_text().rsplit(")", 1)[1].split()[1])
    stopped_processes.stop(parent)  # first, so that it starts no process that would be missed
    pids = [parent]
    try:
        for child in Path(f"/proc/{parent}/task/{parent}/children").read_text().split():
            stopped_processes.stop(int(child))
            pids.append(int(child))
        yield
    finally:
        for pid in reversed(pids):
            os.kill(pid, signal.SIGCONT)


class TestAReadOnlyDatabase:
    """What is left after a failover to a standby: reading works, writing does not."""

    @pytest.fixture
    def own_database(self):
        with served.database() as url:
            yield url

    def test_gets_no_success_that_was_not_stored(self, own_database, newcomer):
        with served.serving(database_url=own_database) as server:
            person = newcomer(server)
            person.register()
            before = dict(person.tokens)
            served.execute(own_database, READ_ONLY, CUT)

            calls = (
                person.refresh,
                person.sign_in,
                lambda: person.send("POST", "/auth/logout", {}),
                lambda: person.send("DELETE", "/auth/sessions"),
                lambda: person.send("POST", "/auth/revoke", {"token": before["refresh_token"]}),
                newcomer(server).register,
            )
            answers = [call() for call in calls]
            successes = sum(answer.is_success for answer in answers)
            fault_figures.keep("failed over to read-only", "false successes", successes, goal=0, unit="")
            for answer in answers:
                assert_problem(answer, status=503, code="service_unavailable")

            served.execute(own_database, WRITABLE, CUT)
            assert person.tokens == before
            with Lateness() as lateness:
                until(lambda: person.is_signed_in, lateness)
            assert person.refresh().status_code == 200

    @pytest.mark.parametrize("flags", [(), ("--http",)], ids=["one port", "http"])
    def test_whose_connections_are_cut_loses_no_session(self, own_database, newcomer, flags):
        with served.serving(database_url=own_database, flags=flags) as server:
            person = newcomer(server)
            person.register()
            for _ in range(15):
                served.execute(own_database, CUT)
                answer = person.refresh()
                if answer.status_code != 200:
                    assert_problem(answer, status=503)
                    assert person.refresh().status_code == 200
                assert person.is_signed_in
            left = len(person.send("GET", "/auth/sessions").json()["results"])
            fault_figures.keep("connections are cut, 15 times", "lost sessions", 1 - left, goal=0, unit="")
            assert left == 1


class TestAKilledServer:
    @pytest.mark.parametrize("flags", [(), ("--http",)], ids=["one port", "http"])
    def test_leaves_a_state_from_which_the_retry_goes_on_elsewhere(self, database_url, newcomer, flags):
        before = served.Served(database_url=database_url, flags=flags).start()
        try:
            person = newcomer(before)
            person.register()
            assert person.refresh().status_code == 200
            shown = person.tokens["refresh_token"]
            person.refresh(shown)  # the reply is lost
        finally:
            before.kill()

        with served.serving(database_url=database_url, flags=flags) as after:
            person.move_to(after)
            assert person.is_signed_in
            assert person.refresh().status_code == 200
            assert person.is_signed_in
            assert len(person.send("GET", "/auth/sessions").json()["results"]) == 1
