"""Where addresses have to be confirmed, registering opens no session and signing in says what is missing."""

import pytest

from tests.problem_shape import assert_problem
from tests.programs import served


@pytest.fixture(scope="module")
def strict_server(database_url):
    with served.serving(database_url=database_url, EMAIL_CONFIRMATION="required") as running:
        yield running


class TestWithConfirmationRequired:
    def test_registering_gives_no_tokens_and_signing_in_says_why(self, strict_server, newcomer):
        person = newcomer(strict_server)

        answer = person.register()

        assert answer.status_code == 202
        assert set(answer.json()) == {"message", "timestamp"}
        assert_problem(person.sign_in(), status=403, code="email_not_confirmed")
        assert_problem(person.sign_in(password="not the password"), status=401, code="invalid_credentials")

    def test_registering_a_taken_address_looks_the_same(self, strict_server, newcomer):
        owner, curious = newcomer(strict_server), newcomer(strict_server)
        first = owner.register()

        second = curious.register(email=owner.address.upper())

        assert second.status_code == first.status_code == 202
        assert second.json()["message"] == first.json()["message"]
        assert set(second.headers) == set(first.headers)
        assert_problem(curious.sign_in(), status=403, code="email_not_confirmed")
        assert_problem(curious.sign_in(name=owner.address), status=401, code="invalid_credentials")

    def test_a_taken_username_is_said(self, strict_server, newcomer):
        owner, other = newcomer(strict_server), newcomer(strict_server)
        owner.register()

        assert_problem(other.register(username=owner.name), status=409, code="username_taken")
