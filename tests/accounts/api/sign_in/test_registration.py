import pytest

from accounts.models import User
from tests.factories.accounts import PASSWORD, UserFactory

pytestmark = pytest.mark.django_db
URL = "/api/v1/auth/register"
USER_MEMBERS = {
    "id",
    "username",
    "email",
    "email_confirmed",
    "full_name",
    "locale",
    "is_active",
    "roles",
    "tier",
    "mfa_enabled",
    "created_at",
    "updated_at",
}


def body(**changes):
    return {"username": "mina", "email": "mina@example.com", "password": PASSWORD, **changes}


def found(answer):
    return [(error["field"], error["code"]) for error in answer.json()["errors"]]


@pytest.mark.usefixtures("optional_confirmation")
class TestRegister:
    def test_answers_201_with_the_person_and_tokens(self, api):
        answer = api.post(URL, body(full_name="Mina Karimi", locale="fa"), format="json")

        assert answer.status_code == 201
        user, tokens = answer.json()["user"], answer.json()["tokens"]
        assert set(user) == USER_MEMBERS
        assert user["id"] == str(User.objects.get().pk)
        assert (user["username"], user["email"], user["email_confirmed"]) == ("mina", "mina@example.com", False)
        assert (user["full_name"], user["locale"], user["roles"], user["tier"]) == ("Mina Karimi", "fa", [], "free")
        assert user["mfa_enabled"] is False
        assert user["created_at"].endswith("Z")
        assert set(tokens) == {
            "access_token",
            "refresh_token",
            "token_type",
            "expires_in",
            "refresh_expires_in",
            "session_id",
        }
        assert answer["Cache-Control"] == "no-store"
        assert PASSWORD not in answer.content.decode()

    def test_gives_tokens_that_work(self, api):
        tokens = api.post(URL, body(), format="json").json()["tokens"]

        api.credentials(HTTP_AUTHORIZATION=f"Bearer {tokens['access_token']}")
        assert api.get("/api/v1/auth/me").json()["username"] == "mina"

    def test_takes_the_language_of_the_request_where_none_is_chosen(self, api):
        answer = api.post(URL, body(), format="json", headers={"Accept-Language": "es-MX,es;q=0.9"})

        assert answer.json()["user"]["locale"] == "es"

    @pytest.mark.parametrize(
        ("taken", "code"),
        [
            ({"username": "MINA", "email": "x@example.com"}, "username_taken"),
            ({"email": "Mina@Example.com"}, "email_taken"),
        ],
    )
    def test_answers_409_for_what_is_taken(self, api, taken, code):
        UserFactory(**taken)

        answer = api.post(URL, body(), format="json")

        assert (answer.status_code, answer.json()["code"]) == (409, code)
        assert answer["Content-Type"] == "application/problem+json"

    @pytest.mark.parametrize(
        ("changes", "problems"),
        [
            ({"username": None}, [("username", "invalid")]),
            ({"username": 12345}, [("username", "invalid")]),
            ({"username": ""}, [("username", "blank")]),
            ({"username": "ab"}, [("username", "min_length")]),
            ({"username": "x" * 51}, [("username", "max_length")]),
            ({"username": "a@example.com"}, [("username", "username_invalid")]),
            ({"username": "root"}, [("username", "username_reserved")]),
            ({"email": "Mina <mina@example.com>"}, [("email", "email_invalid")]),
            ({"email": "m" * 250 + "@example.com"}, [("email", "max_length")]),
            ({"email": ["mina@example.com"]}, [("email", "invalid")]),
            ({"password": True}, [("password", "invalid")]),
            ({"password": "short"}, [("password", "password_too_short")]),
            ({"password": "x" * 129}, [("password", "password_too_long")]),
            ({"password": "mina@example.com"}, [("password", "password_too_similar")]),
            ({"password": "               "}, [("password", "password_too_weak")]),
            ({"full_name": "x" * 151}, [("full_name", "max_length")]),
            ({"full_name": "Mina\nKarimi"}, [("full_name", "invalid")]),
            ({"locale": "tlh"}, [("locale", "invalid")]),
            ({"is_staff": True}, [("is_staff", "unknown_field")]),
            ({"usrname": "x"}, [("usrname", "unknown_field")]),
        ],
    )
    def test_answers_422_with_what_is_wrong(self, api, changes, problems):
        answer = api.post(URL, body(**changes), format="json")

        assert answer.status_code == 422, answer.json()
        assert answer.json()["code"] == "validation_error"
        assert found(answer) == problems
        assert not User.objects.exists()

    @pytest.mark.parametrize(
        ("sent", "problems"),
        [
            (
                {"username": "x", "email": "nobody", "password": "short", "locale": "tlh", "is_staff": True},
                {
                    ("username", "min_length"),
                    ("email", "email_invalid"),
                    ("password", "password_too_short"),
                    ("locale", "invalid"),
                    ("is_staff", "unknown_field"),
                },
            ),
            (
                {"username": "root", "email": 5, "password": "aaaaaaaaaaaaa"},
                {("username", "username_reserved"), ("email", "invalid"), ("password", "password_too_weak")},
            ),
            (
                {"email": "a@b@c"},
                {("username", "required"), ("email", "email_invalid"), ("password", "required")},
            ),
            ({"username": "x", "email": "mina@example.com", "password": PASSWORD}, {("username", "min_length")}),
        ],
    )
    def test_names_all_mistakes_at_once_without_a_query_or_a_hash(
        self, api, settings, django_assert_num_queries, sent, problems
    ):
        UserFactory(email="mina@example.com", username="root2")
        settings.ACCOUNTS = {**settings.ACCOUNTS, "BCRYPT_ROUNDS": 99}  # bcrypt refuses it, so a hash would be an error
        with django_assert_num_queries(0):
            answer = api.post(URL, sent, format="json")

        assert (answer.status_code, answer.json()["code"]) == (422, "validation_error")
        assert set(found(answer)) == problems

    def test_names_what_is_missing(self, api):
        assert found(api.post(URL, {}, format="json")) == [
            ("username", "required"),
            ("email", "required"),
            ("password", "required"),
        ]

    def test_takes_passwords_exactly(self, api):
        password = "  violet harbour drum kite  "
        api.post(URL, body(password=password), format="json")

        assert User.objects.get().check_password(password)

    def test_takes_a_password_of_128_characters(self, api):
        password = "violet harbour drum kite " * 5 + "end"

        assert len(password) == 128
        assert api.post(URL, body(password=password), format="json").status_code == 201

    def test_ignores_a_token_that_happens_to_come_along(self, api):
        api.credentials(HTTP_AUTHORIZATION="Bearer junk")

        assert api.post(URL, body(), format="json").status_code == 201


@pytest.mark.usefixtures("required_confirmation")
class TestRegisterQuietly:
    def test_answers_202_and_the_same_for_free_and_for_taken_addresses(self, api):
        UserFactory(username="other", email="taken@example.com")
        answers = [
            api.post(URL, body(username=name, email=email), format="json")
            for name, email in (("first", "free@example.com"), ("second", "taken@example.com"))
        ]

        assert [answer.status_code for answer in answers] == [202, 202]
        assert answers[0].json()["message"] == answers[1].json()["message"]
        assert [set(answer.json()) for answer in answers] == [{"message", "timestamp"}] * 2
        assert sorted(answers[0].headers) == sorted(answers[1].headers)

    def test_answers_409_for_a_taken_username(self, api):
        UserFactory(username="mina", email="other@example.com")

        answer = api.post(URL, body(), format="json")

        assert (answer.status_code, answer.json()["code"]) == (409, "username_taken")
