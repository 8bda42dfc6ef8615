"""The disk of the database is full, that of the log, that of a file of events; then there is room again."""

import json
import time
from pathlib import Path

import psycopg
import pytest

from cedrina.tooling.embedded import accounts, postgres_server
from security_events.sinks import append_file
from security_events.sinks.append_file import FileUnusable
from tests import fault_figures
from tests.journeys.faults.small_disk import small_disk
from tests.problem_shape import assert_problem
from tests.programs import served
from tests.programs.busy import Lateness

pytestmark = pytest.mark.fault

ANSWER_SECONDS = 3
RECOVERY_SECONDS = 5
RECORDS = [b'{"number": %d, "text": "%s"}\n' % (number, b"x" * 3000) for number in range(3)]


@pytest.fixture(scope="module")
def postgres_and_disk():
    """A server whose data and WAL are on a disk of 400 MB."""
    run_as = accounts.postgres_user()
    folder = accounts.temporary_directory(run_as)
    try:
        with small_disk(folder, megabytes=400, user=run_as.uid) as disk:
            # A crash of PostgreSQL is part of the test: what it confirmed has to be on the disk.
            server = postgres_server.PostgresServer(folder, is_durable=True)
            try:
                server.start()
                yield server, disk
            finally:
                disk.make_room()
                server.stop()
    finally:
        accounts.remove_tree(folder)


def until(condition, seconds):
    began = time.monotonic()
    while not condition():
        assert time.monotonic() - began < seconds
        time.sleep(0.1)
    return time.monotonic() - began


class TestAFullDiskOfTheDatabase:
    def test_confirms_nothing_that_is_not_stored_and_loses_nothing(self, postgres_and_disk, newcomer):
        postgres, disk = postgres_and_disk
        with served.database(at=postgres.url) as url, served.serving(database_url=url, flags=("--http",)) as server:
            people = [newcomer(server) for _ in range(2)]
            for person in people:
                assert person.register().status_code == 201
            # Opened while there is room: a new connection may be refused for want of a file, and PostgreSQL goes on.
            writer = psycopg.connect(postgres.url.replace("postgres://", "postgresql://"), autocommit=True)
            disk.fill()
            with Lateness() as lateness:
                refused, slowest = self.use_until_refused(people, newcomer, server)
            assert slowest < ANSWER_SECONDS + lateness.allowance
            fault_figures.keep("the disk of PostgreSQL is full", "slowest answer", slowest, goal=ANSWER_SECONDS)
            self.stop_by_the_next_piece_of_wal(writer)
            assert_problem(people[0].refresh(), status=503, code="service_unavailable")

            disk.make_room()
            with Lateness() as lateness:
                if not postgres.is_running:
                    postgres.start()
                seconds = until(lambda: people[0].is_signed_in, RECOVERY_SECONDS + 60)
            assert seconds < RECOVERY_SECONDS + lateness.allowance
            name = "there is room again"
            fault_figures.keep(name, "works after", seconds, goal=RECOVERY_SECONDS)
            # The last pair that each was given is good: none was confirmed that was not stored.
            lost = sum(person.refresh().status_code != 200 for person in people)
            fault_figures.keep(name, "lost sessions", lost, goal=0, unit="")
            assert lost == 0
            assert refused.register().status_code == 201
            assert json.loads(server.manage("seal_audit_trail", "--json"))
            assert json.loads(server.manage("verify_audit_trail", "--json"))["ok"] is True

    def use_until_refused(self, people, newcomer, server):
        """Use the server until it refuses for want of room; return who was refused, and the slowest answer."""
        slowest = 0.0
        for _ in range(400):
            somebody = newcomer(server)
            for call in (somebody.register, *(person.refresh for person in people)):
                began = time.monotonic()
                answer = call()
                slowest = max(slowest, time.monotonic() - began)
                if answer.status_code not in {200, 201}:
                    assert_problem(answer, status=503, code="service_unavailable")
            if somebody.tokens is None:
                return somebody, slowest
        raise AssertionError("the disk was never full")

    def stop_by_the_next_piece_of_wal(self, writer):
        """Need the next file of the WAL: where there is no room for it, PostgreSQL ends itself."""
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                writer.execute("SELECT pg_logical_emit_message(false, 'filler', repeat('x', 1000000))")
            except psycopg.errors.DiskFull:
                continue
            except psycopg.OperationalError:
                return writer.close()
        raise AssertionError("PostgreSQL goes on without WAL")


class TestAFullDiskOfTheLog:
    @pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a device that is always full")
    def test_refuses_nobody(self, database_url, newcomer):
        with served.serving(database_url=database_url, LOG_FILE="/dev/full", LOG_LEVEL="INFO") as server:
            person = newcomer(server)
            answers = [person.register(), person.refresh(), person.sign_in(), person.me()]
        refused = sum(answer.is_error for answer in answers)
        fault_figures.keep("the disk of the log is full", "refused calls", refused, goal=0, unit="")
        assert refused == 0


class TestAFullDiskOfAFileOfEvents:
    def test_leaves_whole_records_and_takes_the_rest_when_there_is_room(self, tmp_path):
        with small_disk(tmp_path, megabytes=1) as disk:
            path = tmp_path / "events"
            append_file.append(str(path), RECORDS[:1])
            disk.fill(but=4096)
            with pytest.raises(FileUnusable, match="No space left on device"):
                append_file.append(str(path), RECORDS[1:] * 4)
            assert path.read_bytes() == RECORDS[0]

            disk.make_room()
            append_file.append(str(path), RECORDS[1:])

            lost = len(RECORDS) - path.read_bytes().count(b"\n")
            fault_figures.keep("the disk of a file of events is full", "lost records", lost, goal=0, unit="")
            assert path.read_bytes() == b"".join(RECORDS)
