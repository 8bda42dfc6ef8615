import pytest

from accounts.models import User
from tests.factories.accounts import UserFactory
from tests.factories.tokens import open_session

URL = "/api/v1/auth/me"


@pytest.fixture
def person(api, db):
    user = UserFactory(username="mina", full_name="Before")
    api.credentials(HTTP_AUTHORIZATION=f"Bearer {open_session(user=user).access_token}")
    return user


def patch(api, body, **headers):
    return api.patch(URL, body, format="json", headers=headers)


class TestRead:
    def test_answers_with_the_person_and_the_version(self, api, person):
        answer = api.get(URL)

        assert answer.status_code == 200
        assert answer.json()["id"] == str(person.pk)
        assert answer["ETag"] == '"1"'
        assert answer["Cache-Control"] == "no-store"

    def test_asks_nothing_of_the_database_after_the_authentication(self, api, person, django_assert_num_queries):
        api.get(URL)

        with django_assert_num_queries(1):
            api.get(URL)

    def test_never_reads_the_password_hash(self, api, person, django_assert_num_queries):
        api.get(URL)

        with django_assert_num_queries(1) as captured:
            api.get(URL)

        assert '"password"' not in captured[0]["sql"]

    def test_answers_401_without_an_access_token(self, api):
        answer = api.get(URL)

        assert (answer.status_code, answer.json()["code"]) == (401, "authentication_required")


class TestChange:
    def test_changes_name_and_language(self, api, person):
        answer = patch(api, {"full_name": "  Mina Karimi", "locale": "ar"}, **{"If-Match": '"1"'})

        assert answer.status_code == 200
        assert (answer.json()["full_name"], answer.json()["locale"]) == ("  Mina Karimi", "ar")
        assert answer["ETag"] == '"2"'
        assert User.objects.get().version == 2

    @pytest.mark.parametrize("header", ["*", '"1"', '"7", "1"', ' "1" '])
    def test_takes_headers_that_name_the_version(self, api, person, header):
        assert patch(api, {"full_name": "New"}, **{"If-Match": header}).status_code == 200

    @pytest.mark.parametrize(
        "header", ['"2"', 'W/"1"', "1", '"01x"', '"' + "9" * 500 + '"', '"4294967296"', "junk", '"', ","]
    )
    def test_answers_412_for_headers_that_do_not(self, api, person, header):
        answer = patch(api, {"full_name": "New"}, **{"If-Match": header})

        assert (answer.status_code, answer.json()["code"]) == (412, "version_mismatch")
        assert User.objects.get().full_name == "Before"

    @pytest.mark.parametrize("headers", [{}, {"If-Match": ""}, {"If-Match": "  "}])
    def test_answers_428_without_one(self, api, person, headers):
        answer = patch(api, {"full_name": "New"}, **headers)

        assert (answer.status_code, answer.json()["code"]) == (428, "precondition_required")

    @pytest.mark.parametrize(
        ("body", "field", "code"),
        [
            ({"username": "other"}, "username", "unknown_field"),
            ({"tier": "enterprise"}, "tier", "unknown_field"),
            ({"is_staff": True}, "is_staff", "unknown_field"),
            ({"email": "other@example.com"}, "email", "unknown_field"),
            ({"locale": "xx"}, "locale", "invalid"),
            ({"locale": 5}, "locale", "invalid"),
            ({"full_name": None}, "full_name", "invalid"),
            ({"full_name": "x" * 151}, "full_name", "max_length"),
        ],
    )
    def test_answers_422_for_what_cannot_be_changed_or_is_not_valid(self, api, person, body, field, code):
        answer = patch(api, body, **{"If-Match": '"1"'})

        assert answer.status_code == 422
        assert [(error["field"], error["code"]) for error in answer.json()["errors"]] == [(field, code)]

    def test_refuses_the_second_of_two_changes_of_one_version(self, api, person):
        assert patch(api, {"full_name": "One"}, **{"If-Match": '"1"'}).status_code == 200
        assert patch(api, {"full_name": "Two"}, **{"If-Match": '"1"'}).status_code == 412
