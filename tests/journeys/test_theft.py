"""A thief has a copy of a refresh token: the person keeps working, the thief is caught, nothing of it lives on."""

from tests.problem_shape import assert_problem


class TestAThief:
    def test_with_an_old_refresh_token_is_caught_and_the_session_ends(self, server, newcomer):
        person = newcomer(server)
        person.register()
        laptop = person.device(server)
        stolen = person.tokens["refresh_token"]
        for _ in range(2):
            person.refresh()
            assert person.is_signed_in

        assert_problem(laptop.refresh(stolen), status=401, code="refresh_token_reused")

        assert_problem(person.me(), status=401, code="session_revoked")
        assert_problem(person.refresh(), status=401, code="session_revoked")
        assert_problem(laptop.refresh(stolen), status=401, code="session_revoked")
        assert laptop.is_signed_in

    def test_who_is_faster_is_seen_when_the_owner_comes(self, server, newcomer):
        person, thief = newcomer(server), newcomer(server)
        person.register()
        thief.tokens = dict(person.tokens)
        for _ in range(2):
            thief.refresh()
            assert thief.is_signed_in

        assert_problem(person.refresh(), status=401, code="refresh_token_reused")
        assert not thief.is_signed_in
        assert_problem(thief.refresh(), status=401, code="session_revoked")

    def test_cannot_log_anybody_out_with_tokens_that_were_made_up(self, server, newcomer):
        person = newcomer(server)
        person.register()
        genuine = person.tokens["refresh_token"]
        for forged in (genuine[:-1] + ("A" if genuine[-1] != "A" else "B"), genuine[:-4], "cdr_" + "A" * 55, "x"):
            assert_problem(person.refresh(forged), status=401, code="invalid_token")

        assert person.is_signed_in
        assert person.refresh().status_code == 200
