"""Connections to PostgreSQL are killed in the middle of transactions, all the time, while people refresh."""

import os
import time
from contextlib import ExitStack

import psycopg
import pytest

from tests import fault_figures
from tests.deployment.refreshing_people import Refreshing
from tests.programs import served

pytestmark = pytest.mark.fault

PEOPLE = 4
# As long as the goal says where the figures are wanted; a tenth in a run of all tests.
SECONDS = 30 if fault_figures.PATH in os.environ else 3
CUT = (
    "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
    "WHERE datname = current_database() AND pid <> pg_backend_pid()"
)
# A rotation and its event are one transaction: where one is without the other, half of one was stored, or one twice.
WRONG = """
SELECT count(*) FILTER (WHERE f.is_revoked),
       count(*) FILTER (WHERE f.generation - 1 <> (SELECT count(*) FROM security_events_event e
                                                   WHERE e.session_id = f.session_id AND e.type = 'token.refreshed'))
FROM tokens_tokenfamily f
"""


@pytest.mark.parametrize("flags", [(), ("--http",)], ids=["one port", "http"])
def test_lose_no_family_and_fork_none(newcomer, flags):
    with (
        served.database() as url,
        served.serving(database_url=url, flags=flags) as server,
        psycopg.connect(url.replace("postgres://", "postgresql://"), autocommit=True) as connection,
    ):
        people = [newcomer(server) for _ in range(PEOPLE)]
        for person in people:
            assert person.register().status_code == 201
        with ExitStack() as using:
            loads = [using.enter_context(Refreshing(person)) for person in people]
            cut, end = 0, time.monotonic() + SECONDS
            while time.monotonic() < end:
                cut += connection.execute(CUT).fetchone()[0]
                time.sleep(0.1)
        assert cut > SECONDS
        assert all(load.confirmed > 0 for load in loads)
        assert {status for load in loads for status, _code in load.refused} <= {503}
        lost = sum(person.refresh().status_code != 200 for person in people)
        revoked, wrong = connection.execute(WRONG).fetchone()
    name = "connections are killed for 30 s"
    fault_figures.keep(name, "lost families", lost + revoked, goal=0, unit="")
    fault_figures.keep(name, "forked families", wrong, goal=0, unit="")
    assert (lost, revoked, wrong) == (0, 0, 0)
