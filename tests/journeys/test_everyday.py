"""A user registers, signs in, refreshes, ends sessions, changes the password and deletes the account."""

import pytest

from tests.journeys.person import NEW_PASSWORD, PASSWORD
from tests.problem_shape import assert_problem


@pytest.fixture
def ada(server, newcomer):
    person = newcomer(server)
    assert person.register(full_name="Ada Lovelace", locale="es").status_code == 201
    return person


class TestRegistering:
    def test_gives_an_account_and_a_session_at_once(self, server, newcomer):
        person = newcomer(server)

        answer = person.register(full_name="Ada Lovelace", locale="fa")

        assert answer.status_code == 201
        assert answer.headers["cache-control"] == "no-store"
        user = answer.json()["user"]
        assert (user["username"], user["email"]) == (person.name, person.address)
        assert (user["full_name"], user["locale"], user["email_confirmed"]) == ("Ada Lovelace", "fa", False)
        assert person.me().json() == user

    def test_is_refused_for_a_taken_name_or_address_in_any_spelling(self, ada, server, newcomer):
        other = newcomer(server)

        assert_problem(other.register(username=ada.name.upper()), status=409, code="username_taken")
        assert_problem(other.register(email=ada.address.upper()), status=409, code="email_taken")

    def test_says_all_that_is_wrong_at_once(self, server, newcomer):
        answer = newcomer(server).register(username="a b", email="nobody", password="short", nickname="x")

        problem = assert_problem(answer, status=422, code="validation_error")
        assert ("nickname", "unknown_field") in {(error["field"], error["code"]) for error in problem["errors"]}


class TestSigningIn:
    def test_takes_the_name_or_the_address_in_any_case(self, ada):
        assert ada.sign_in().json()["mfa"] is None
        assert ada.sign_in(name=ada.name.upper()).status_code == 200
        assert ada.sign_in(name=ada.address.upper()).json()["user"]["username"] == ada.name

    def test_answers_a_wrong_password_and_an_unknown_name_alike(self, ada, server, newcomer):
        wrong = assert_problem(ada.sign_in(password="not the password"), status=401, code="invalid_credentials")
        unknown = assert_problem(newcomer(server).sign_in(), status=401, code="invalid_credentials")

        own = ("correlation_id", "timestamp")
        assert {k: v for k, v in wrong.items() if k not in own} == {k: v for k, v in unknown.items() if k not in own}


class TestStayingSignedIn:
    def test_works_through_many_refreshes_with_one_session(self, ada):
        session = ada.tokens["session_id"]

        for _ in range(10):
            old = ada.tokens
            assert ada.refresh().status_code == 200
            assert ada.tokens["refresh_token"] != old["refresh_token"]
            assert ada.is_signed_in

        assert ada.tokens["session_id"] == session
        assert len(ada.send("GET", "/auth/sessions").json()["results"]) == 1

    def test_survives_replies_that_were_lost(self, ada):
        kept = ada.tokens["refresh_token"]

        lost = ada.refresh(kept).json()
        again = ada.refresh(kept).json()

        assert again["refresh_token"] == lost["refresh_token"]
        ada.tokens = again
        assert ada.is_signed_in
        assert ada.refresh().status_code == 200

    def test_needs_a_token(self, ada):
        assert_problem(ada.me(token=""), status=401, code="authentication_required")
        assert_problem(ada.me(token=ada.tokens["refresh_token"]), status=401, code="invalid_token")
        assert_problem(ada.refresh(ada.tokens["access_token"]), status=401, code="invalid_token")


class TestSessions:
    def test_are_listed_and_ended_one_by_one(self, ada, server):
        tablet = ada.device(server)

        rows = tablet.send("GET", "/auth/sessions").json()["results"]
        assert [row["current"] for row in rows] == [True, False]
        assert [row["user_agent"] for row in rows] == ["Tablet/2.0", "Journey/1.0"]
        assert {row["ip_address"] for row in rows} == {"127.0.0.1"}
        assert tablet.send("DELETE", f"/auth/sessions/{rows[1]['id']}").status_code == 204

        assert_problem(ada.me(), status=401, code="session_revoked")
        assert_problem(ada.refresh(), status=401, code="session_revoked")
        assert tablet.is_signed_in

    def test_of_others_cannot_be_seen_or_ended(self, ada, server, newcomer):
        stranger = newcomer(server)
        stranger.register()

        answer = stranger.send("DELETE", f"/auth/sessions/{ada.tokens['session_id']}")

        assert_problem(answer, status=404, code="not_found")
        assert len(stranger.send("GET", "/auth/sessions").json()["results"]) == 1
        assert ada.is_signed_in

    def test_end_all_but_this_one(self, ada, server):
        tablets = [ada.device(server) for _ in range(3)]

        answer = ada.send("DELETE", "/auth/sessions")

        assert (answer.status_code, answer.json()) == (200, {"revoked": 3})
        assert ada.is_signed_in
        assert not any(tablet.is_signed_in for tablet in tablets)

    def test_beyond_the_limit_end_the_oldest(self, ada, server):
        devices = [ada.device(server) for _ in range(5)]

        assert_problem(ada.me(), status=401, code="session_revoked")
        assert all(device.is_signed_in for device in devices)

    def test_end_with_signing_out(self, ada, server):
        tablet = ada.device(server)

        assert ada.send("POST", "/auth/logout", {}).status_code == 204

        assert_problem(ada.me(), status=401, code="session_revoked")
        assert_problem(ada.refresh(), status=401, code="session_revoked")
        assert tablet.send("POST", "/auth/logout", {"all": True}).status_code == 204
        assert not tablet.is_signed_in


class TestChangingThePassword:
    def test_ends_every_other_session_and_goes_on_with_new_tokens(self, ada, server):
        tablet, old = ada.device(server), dict(ada.tokens)

        answer = ada.send("PUT", "/auth/change-password", {"old_password": PASSWORD, "new_password": NEW_PASSWORD})

        assert answer.status_code == 200
        ada.tokens = answer.json()["tokens"]
        assert ada.is_signed_in
        assert ada.tokens["session_id"] == old["session_id"]
        assert ada.refresh().status_code == 200
        assert not tablet.is_signed_in
        assert ada.me(token=old["access_token"]).status_code == 401
        assert ada.refresh(old["refresh_token"]).status_code == 401
        assert_problem(ada.sign_in(password=PASSWORD), status=401, code="invalid_credentials")
        assert ada.sign_in(password=NEW_PASSWORD).status_code == 200

    def test_needs_the_old_one_and_a_new_one(self, ada):
        def change(old, new):
            return ada.send("PUT", "/auth/change-password", {"old_password": old, "new_password": new})

        assert_problem(change("not the password", NEW_PASSWORD), status=401, code="invalid_credentials")
        problem = assert_problem(change(PASSWORD, PASSWORD), status=422)
        assert [error["code"] for error in problem["errors"]] == ["password_unchanged"]
        assert ada.is_signed_in


class TestTheProfile:
    def test_is_read_and_changed_with_its_newest_version(self, ada):
        seen = ada.me().headers["etag"]

        first = ada.send("PATCH", "/auth/me", {"full_name": "Ada King"}, headers={"If-Match": seen})
        second = ada.send("PATCH", "/auth/me", {"full_name": "Countess"}, headers={"If-Match": seen})

        assert (first.status_code, first.json()["full_name"]) == (200, "Ada King")
        assert first.headers["etag"] != seen
        assert_problem(second, status=412, code="version_mismatch")
        assert_problem(ada.send("PATCH", "/auth/me", {"locale": "ar"}), status=428, code="precondition_required")
        assert ada.me().json()["full_name"] == "Ada King"

    def test_speaks_the_language_that_was_asked_for_and_keeps_its_codes(self, ada):
        english = assert_problem(ada.me(token="x", headers={"Accept-Language": "en"}), code="invalid_token")
        answer = ada.me(token="x", headers={"Accept-Language": "fa-IR, en;q=0.5"})

        assert_problem(answer, code="invalid_token")
        assert answer.headers["content-language"] == "fa"
        assert english["code"] == answer.json()["code"]


class TestProvingItAgain:
    def test_takes_the_password_alone(self, ada):
        assert ada.send("POST", "/auth/reauthenticate", {"password": PASSWORD}).json()["expires_in"] == 300
        wrong = ada.send("POST", "/auth/reauthenticate", {"password": "not the password"})
        assert_problem(wrong, status=401, code="invalid_credentials")
        assert ada.is_signed_in


class TestTokens:
    def test_are_described_to_their_owner_only(self, ada, server, newcomer):
        stranger = newcomer(server)
        stranger.register()
        for token in (ada.tokens["access_token"], ada.tokens["refresh_token"]):
            own = ada.send("POST", "/auth/introspect", {"token": token}).json()
            foreign = stranger.send("POST", "/auth/introspect", {"token": token}).json()

            assert own["active"] is True
            assert own["sub"] == ada.me().json()["id"]
            assert foreign == {"active": False}

    @pytest.mark.parametrize("kind", ["access_token", "refresh_token"])
    def test_are_given_up_without_signing_in(self, ada, kind):
        assert ada.send("POST", "/auth/revoke", {"token": ada.tokens[kind]}, token="").status_code == 200
        assert ada.send("POST", "/auth/revoke", {"token": ada.tokens[kind]}, token="").status_code == 200

        assert not ada.is_signed_in
        assert ada.refresh().status_code == 401


class TestLeaving:
    """A body on DELETE has no meaning of its own (RFC 9110, 9.3.5): that it arrives is the server's doing."""

    @pytest.fixture(params=["one port", "http"])
    def leaver(self, request, newcomer):
        person = newcomer(request.getfixturevalue("server" if request.param == "one port" else "other_server"))
        assert person.register().status_code == 201
        return person

    def test_takes_the_password_in_the_body_and_closes_the_account(self, leaver):
        missing = assert_problem(leaver.send("DELETE", "/auth/me", {}), status=422)
        assert [error["field"] for error in missing["errors"]] == ["password"]
        wrong = leaver.send("DELETE", "/auth/me", {"password": "not the password"})
        assert_problem(wrong, status=401, code="invalid_credentials")
        assert leaver.is_signed_in

        answer = leaver.send("DELETE", "/auth/me", {"password": PASSWORD})

        assert answer.status_code == 202
        assert answer.json()["erased_after"] > answer.json()["timestamp"]
        assert not leaver.is_signed_in
        assert_problem(leaver.sign_in(), status=401, code="invalid_credentials")

    def test_reads_a_body_in_chunks_too(self, leaver):
        answer = leaver.client.request(
            "DELETE",
            f"{leaver.base}/auth/me",
            content=iter([b'{"pass', b'word": "', PASSWORD.encode(), b'"}']),
            headers={"Authorization": f"Bearer {leaver.tokens['access_token']}", "Content-Type": "application/json"},
        )

        assert answer.status_code in (202, 411), answer.text
        assert leaver.is_signed_in == (answer.status_code == 411)
