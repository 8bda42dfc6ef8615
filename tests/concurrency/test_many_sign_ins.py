"""Sixty people sign in at once; those who are signed in notice little.

How little is told in parts of the time that the rush takes, whatever the machine: if checks waited for hashes, each
would take as long as a sign-in, which is most of it.
"""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests import fault_figures
from tests.programs import served

pytestmark = pytest.mark.fault

PEOPLE = 60
BODY = {"username": "mina", "email": "mina@example.com", "password": "violet harbour drum kite"}


@pytest.mark.serial
class TestSixtySignIns:
    def test_leave_token_checks_quick_and_are_all_answered(self):
        # How long a hash may wait is told in seconds, a minute at most: beside much other load sixty hashes of the
        # shipped cost take longer.
        settings = {"BCRYPT_ROUNDS": "11", "HASHING_WAIT_SECONDS": "60"}
        with served.database() as url, served.serving(database_url=url, **settings) as server:
            with server.client() as client:
                token = client.post("/auth/register", json=BODY).json()["tokens"]["access_token"]

            def sign_in(number):
                # Each tries a name of its own: of guesses at one name only a few are looked at.
                with server.client(timeout=300) as client:
                    return client.post("/auth/login", json={"username": f"nobody-{number}", "password": "wrong"})

            waits, started = [], time.perf_counter()
            with ThreadPoolExecutor(PEOPLE) as people, server.client() as client:
                answers = [people.submit(sign_in, number) for number in range(PEOPLE)]
                while not all(answer.done() for answer in answers):
                    began = time.perf_counter()
                    answer = client.get("/auth/me", headers={"Authorization": f"Bearer {token}"})
                    waits.append(time.perf_counter() - began)
                    assert answer.status_code == 200
                    time.sleep(0.02)

            rush = time.perf_counter() - started
            refused = [answer.result() for answer in answers if answer.result().status_code == 503]
            assert {answer.result().status_code for answer in answers} <= {401, 503}
            assert all(int(answer.headers["Retry-After"]) > 0 for answer in refused)
            assert len(refused) <= PEOPLE // 4
            assert len(waits) > 20
            assert max(waits) < rush / 4
            fault_figures.keep("sixty sign-ins at once", "slowest token check", max(waits), goal=2)
