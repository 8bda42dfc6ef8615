"""Two processes on one database: what one of them writes holds at the other."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.journeys.person import NEW_PASSWORD, PASSWORD
from tests.problem_shape import assert_problem


@pytest.fixture
def person(server, newcomer):
    somebody = newcomer(server)
    somebody.register()
    return somebody


class TestTwoServers:
    def test_share_a_session_and_its_end(self, server, other_server, person):
        person.move_to(other_server)
        assert person.is_signed_in
        assert person.refresh().status_code == 200

        person.move_to(server)
        assert person.is_signed_in
        assert person.send("POST", "/auth/logout", {}).status_code == 204

        person.move_to(other_server)
        assert_problem(person.me(), status=401, code="session_revoked")
        assert_problem(person.refresh(), status=401, code="session_revoked")

    def test_see_a_theft_that_was_split_over_both(self, server, other_server, person):
        stolen = person.tokens["refresh_token"]
        for place in (other_server, server):
            person.move_to(place)
            person.refresh()
            assert person.is_signed_in

        person.move_to(other_server)
        assert_problem(person.refresh(stolen), status=401, code="refresh_token_reused")
        person.move_to(server)
        assert_problem(person.me(), status=401, code="session_revoked")

    def test_end_what_a_password_change_ends(self, server, other_server, person):
        elsewhere = person.device(other_server)

        body = {"old_password": PASSWORD, "new_password": NEW_PASSWORD}
        assert person.send("PUT", "/auth/change-password", body).status_code == 200

        assert_problem(elsewhere.me(), status=401, code="session_revoked")

    def test_give_racing_tabs_one_successor(self, server, other_server, person):
        tabs = [(place, person.tokens["refresh_token"]) for place in (server, other_server)] * 5

        def ask(tab):
            place, token = tab
            with place.client() as client:
                return client.post("/auth/refresh", json={"refresh_token": token})

        with ThreadPoolExecutor(len(tabs)) as pool:
            answers = list(pool.map(ask, tabs))

        assert {answer.status_code for answer in answers} == {200}
        assert len({answer.json()["refresh_token"] for answer in answers}) == 1
        person.tokens = answers[0].json()
        assert person.is_signed_in
