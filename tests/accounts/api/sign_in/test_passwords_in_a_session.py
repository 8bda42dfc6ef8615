"""The calls whose bodies carry a password share one budget of guesses for each session."""

import pytest

from tests.factories.accounts import PASSWORD, UserFactory
from tests.factories.tokens import open_session
from tests.problem_shape import assert_problem

pytestmark = pytest.mark.django_db
NEW = "copper lantern seven owls"
CALLS = {
    "again": ("post", "/api/v1/auth/reauthenticate", lambda word: {"password": word}),
    "change": ("put", "/api/v1/auth/change-password", lambda word: {"old_password": word, "new_password": NEW}),
    "address": ("post", "/api/v1/auth/me/email", lambda word: {"email": "new@example.com", "password": word}),
    "delete": ("delete", "/api/v1/auth/me", lambda word: {"password": word}),
}


@pytest.fixture
def mina():
    return UserFactory(username="mina", raw_password=PASSWORD)


@pytest.fixture
def send(api):
    def request(call, word, tokens):
        method, path, body = CALLS[call]
        authorization = f"Bearer {tokens.access_token}"
        return getattr(api, method)(path, body(word), format="json", HTTP_AUTHORIZATION=authorization)

    return request


@pytest.mark.attack("OWASP ASVS 5.0, 6.3.1")
@pytest.mark.parametrize("last", CALLS)
class TestACallWithAPassword:
    def test_is_refused_after_wrong_ones_with_any_of_them(self, mina, send, last):
        stolen = open_session(user=mina)
        for call in [*CALLS, last]:
            assert_problem(send(call, "wrong", stolen), code="invalid_credentials")

        answer = send(last, PASSWORD, stolen)

        assert_problem(answer, status=429, code="too_many_attempts")
        assert 0 < int(answer["Retry-After"]) <= 61

    def test_goes_on_in_other_sessions(self, mina, send, last):
        stolen, own = open_session(user=mina), open_session(user=mina)
        for call in [*CALLS, last]:
            send(call, "wrong", stolen)

        assert send(last, PASSWORD, own).status_code in (200, 202)

    def test_begins_anew_after_a_right_one(self, mina, send, last):
        own = open_session(user=mina)
        for _ in range(2):
            for call in list(CALLS)[:3]:
                assert_problem(send(call, "wrong", own), code="invalid_credentials")
            assert send("again", PASSWORD, own).status_code == 200

        assert send(last, PASSWORD, own).status_code in (200, 202)
