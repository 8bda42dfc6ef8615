"""A limit on sessions that refuses the newcomer instead of ending the oldest."""

from tests.problem_shape import assert_problem
from tests.programs import served


class TestALimitThatRefuses:
    def test_is_answered_and_allows_a_new_session_after_one_has_ended(self, database_url, newcomer):
        settings = {"SESSION_OVERFLOW": "reject", "MAX_SESSIONS_PER_USER": "2"}
        with served.serving(database_url=database_url, **settings) as server:
            person = newcomer(server)
            person.register()
            second = person.device(server)
            third = newcomer(server, name=person.name)

            assert_problem(third.sign_in(), status=409, code="session_limit_reached")
            assert person.is_signed_in
            assert second.is_signed_in

            assert second.send("POST", "/auth/logout", {}).status_code == 204
            assert third.sign_in().status_code == 200
