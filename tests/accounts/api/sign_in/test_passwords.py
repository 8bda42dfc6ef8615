import pytest

from accounts.models import User
from tests.factories.accounts import PASSWORD, UserFactory

pytestmark = pytest.mark.django_db
URL = "/api/v1/auth/change-password"
NEW = "copper lantern seven owls"


def tokens_of(api):
    return api.post("/api/v1/auth/login", {"username": "mina", "password": PASSWORD}, format="json").json()["tokens"]


@pytest.fixture
def tokens(api):
    UserFactory(username="mina", raw_password=PASSWORD)
    return tokens_of(api)


def change(api, tokens, **changes):
    body = {"old_password": PASSWORD, "new_password": NEW, **changes}
    return api.put(URL, body, format="json", headers={"Authorization": f"Bearer {tokens['access_token']}"})


def me(api, tokens):
    return api.get("/api/v1/auth/me", headers={"Authorization": f"Bearer {tokens['access_token']}"})


class TestChangePassword:
    def test_answers_200_with_new_tokens_for_this_session(self, api, tokens):
        answer = change(api, tokens)

        assert answer.status_code == 200
        assert set(answer.json()) == {"message", "tokens", "timestamp"}
        assert answer.json()["tokens"]["session_id"] == tokens["session_id"]
        assert me(api, answer.json()["tokens"]).status_code == 200
        assert User.objects.get().check_password(NEW)

    def test_ends_the_old_tokens_and_all_other_sessions(self, api, tokens):
        other = tokens_of(api)

        change(api, tokens)

        for dead in (tokens, other):
            assert me(api, dead).status_code == 401
            answer = api.post("/api/v1/auth/refresh", {"refresh_token": dead["refresh_token"]}, format="json")
            assert (answer.status_code, answer.json()["code"]) == (401, "session_revoked")

    @pytest.mark.parametrize(
        ("changes", "status", "code"),
        [
            ({"old_password": "wrong"}, 401, "invalid_credentials"),
            ({"new_password": PASSWORD}, 422, "validation_error"),
        ],
    )
    def test_refuses_and_changes_nothing(self, api, tokens, changes, status, code):
        answer = change(api, tokens, **changes)

        assert (answer.status_code, answer.json()["code"]) == (status, code)
        assert me(api, tokens).status_code == 200

    @pytest.mark.parametrize(
        ("new", "code"),
        [("short", "password_too_short"), (PASSWORD, "password_unchanged"), ("x" * 129, "password_too_long")],
    )
    def test_names_what_is_wrong_with_the_new_password(self, api, tokens, new, code):
        errors = change(api, tokens, new_password=new).json()["errors"]

        assert [(error["field"], error["code"]) for error in errors] == [("new_password", code)]

    def test_answers_401_without_an_access_token(self, api):
        assert api.put(URL, {"old_password": "x", "new_password": "y"}, format="json").status_code == 401
