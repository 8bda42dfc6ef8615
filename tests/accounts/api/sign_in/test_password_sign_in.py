import threading
import time

import pytest

from accounts.services.passwords import hashing
from tests.factories.accounts import PASSWORD, UserFactory

pytestmark = pytest.mark.django_db
URL = "/api/v1/auth/login"
AGAIN = "/api/v1/auth/reauthenticate"


def log_in(api, name="mina", password=PASSWORD):
    return api.post(URL, {"username": name, "password": password}, format="json")


@pytest.fixture
def signed_in(api):
    UserFactory(username="mina", raw_password=PASSWORD)
    tokens = log_in(api).json()["tokens"]
    api.credentials(HTTP_AUTHORIZATION=f"Bearer {tokens['access_token']}")
    return tokens


class TestLogin:
    @pytest.mark.parametrize("name", ["mina", "MINA@example.com"])
    def test_answers_200_with_the_person_and_tokens(self, api, name):
        UserFactory(username="mina", raw_password=PASSWORD)

        answer = log_in(api, name)

        assert answer.status_code == 200
        assert set(answer.json()) == {"user", "tokens", "mfa"}
        assert answer.json()["user"]["username"] == "mina"
        assert answer.json()["mfa"] is None
        assert answer["Cache-Control"] == "no-store"

    def test_answers_alike_for_unknown_names_wrong_passwords_and_disabled_accounts(self, api):
        UserFactory(username="mina", raw_password=PASSWORD)
        UserFactory(username="closed", raw_password=PASSWORD, is_active=False)
        answers = [log_in(api, name, "wrong") for name in ("mina", "nobody", "closed", "nobody@example.com")]

        shown = [
            {key: value for key, value in answer.json().items() if key not in ("correlation_id", "timestamp")}
            for answer in answers
        ]
        assert shown == [shown[0]] * 4
        assert shown[0]["code"] == "invalid_credentials"
        assert [answer.status_code for answer in answers] == [401] * 4
        assert answers[0]["WWW-Authenticate"].startswith("Bearer ")
        assert [sorted(answer.headers) for answer in answers] == [sorted(answers[0].headers)] * 4

    def test_answers_403_for_a_disabled_account_after_the_right_password(self, api):
        UserFactory(username="mina", raw_password=PASSWORD, is_active=False)

        answer = log_in(api)

        assert (answer.status_code, answer.json()["code"]) == (403, "account_disabled")

    def test_answers_403_for_an_unconfirmed_address_after_the_right_password(self, api, required_confirmation):
        UserFactory(username="mina", raw_password=PASSWORD, email_confirmed_at=None)

        answer = log_in(api)

        assert (answer.status_code, answer.json()["code"]) == (403, "email_not_confirmed")

    def test_answers_409_at_the_session_limit(self, api, settings):
        UserFactory(username="mina", raw_password=PASSWORD)
        settings.TOKENS = {**settings.TOKENS, "MAX_SESSIONS_PER_USER": 1, "SESSION_OVERFLOW": "reject"}
        log_in(api)

        answer = log_in(api)

        assert (answer.status_code, answer.json()["code"]) == (409, "session_limit_reached")

    @pytest.mark.parametrize(
        ("body", "field", "code"),
        [
            ({"username": "mina"}, "password", "required"),
            ({"username": "mina", "password": ""}, "password", "blank"),
            ({"username": "mina", "password": 1}, "password", "invalid"),
            ({"username": "x" * 255, "password": "x"}, "username", "max_length"),
            ({"username": "mina", "password": "x", "remember": True}, "remember", "unknown_field"),
        ],
    )
    def test_answers_422_for_another_shape(self, api, body, field, code):
        answer = api.post(URL, body, format="json")

        assert answer.status_code == 422
        assert [(error["field"], error["code"]) for error in answer.json()["errors"]] == [(field, code)]

    def test_answers_401_for_a_password_of_60_thousand_characters(self, api):
        UserFactory(username="mina", raw_password=PASSWORD)

        assert log_in(api, password="p" * 60_000).status_code == 401

    def test_answers_503_with_retry_after_when_too_many_wait_for_a_hash(self, api, settings):
        settings.ACCOUNTS = {**settings.ACCOUNTS, "HASHING_THREADS": 1, "HASHING_QUEUE": 1}
        is_open = threading.Event()
        waiting = [threading.Thread(target=hashing._compute, args=(is_open.wait,)) for _ in range(2)]
        pool = hashing._pool(threads=1, queue=1, niceness=0)
        for thread in waiting:
            thread.start()
        while pool._idle or len(pool._queue) < 1:
            time.sleep(0.01)

        answer = log_in(api)

        is_open.set()
        for thread in waiting:
            thread.join()
        assert (answer.status_code, answer.json()["code"]) == (503, "service_unavailable")
        assert int(answer["Retry-After"]) >= 1


class TestReauthenticate:
    def test_answers_200_with_when_and_for_how_long(self, api, signed_in):
        answer = api.post(AGAIN, {"password": PASSWORD}, format="json")

        assert answer.status_code == 200
        assert set(answer.json()) == {"authenticated_at", "expires_in"}
        assert answer.json()["authenticated_at"].endswith("Z")
        assert answer.json()["expires_in"] == 300

    def test_answers_401_for_a_wrong_password_and_keeps_the_session(self, api, signed_in):
        answer = api.post(AGAIN, {"password": "wrong"}, format="json")

        assert (answer.status_code, answer.json()["code"]) == (401, "invalid_credentials")
        assert api.get("/api/v1/auth/me").status_code == 200

    def test_answers_401_without_an_access_token(self, api):
        answer = api.post(AGAIN, {"password": PASSWORD}, format="json")

        assert (answer.status_code, answer.json()["code"]) == (401, "authentication_required")
