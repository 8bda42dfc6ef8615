from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import User
from tests.factories.accounts import PASSWORD, UserFactory
from tests.factories.tokens import open_session
from tokens.models import Session

ME = "/api/v1/auth/me"
EXPORT = f"{ME}/export"
ACTIVITY = f"{ME}/security-events"
LATE = timedelta(minutes=6)


def sign_in(api, user, *, ago=timedelta(0), amr=("pwd",)):
    pair = open_session(user=user, amr=amr)
    at = timezone.now() - ago
    Session.objects.filter(pk=pair.session_id).update(
        authenticated_at=at, second_factor_at=at if "mfa" in amr else None
    )
    api.credentials(HTTP_AUTHORIZATION=f"Bearer {pair.access_token}")
    return pair


@pytest.fixture
def mina(db):
    return UserFactory(username="mina", raw_password=PASSWORD)


def delete(api, **body):
    return api.delete(ME, body, format="json")


class TestExport:
    def test_is_a_file_of_what_is_kept(self, api, mina):
        pair = sign_in(api, mina)

        answer = api.get(EXPORT)

        assert answer.status_code == 200
        assert answer["Content-Disposition"] == 'attachment; filename="cedrina-mina.json"'
        assert answer["Cache-Control"] == "no-store"
        document = answer.json()
        assert document["account"]["username"] == "mina"
        assert [row["id"] for row in document["sessions"]["results"]] == [str(pair.session_id)]
        assert document["exported_at"].endswith("Z")

    def test_wants_a_recent_sign_in(self, api, mina, events):
        sign_in(api, mina, ago=LATE)

        answer = api.get(EXPORT)

        assert (answer.status_code, answer.json()["code"]) == (403, "reauthentication_required")
        assert not events("account.exported").exists()
        api.post("/api/v1/auth/reauthenticate", {"password": PASSWORD}, format="json")
        assert api.get(EXPORT).status_code == 200

    def test_requires_the_second_factor_of_users_who_have_one(self, api, mina):
        User.objects.update(is_mfa_enabled=True)
        sign_in(api, mina)
        assert api.get(EXPORT).json()["code"] == "step_up_required"

        sign_in(api, mina, amr=("pwd", "otp", "mfa"))
        assert api.get(EXPORT).status_code == 200

    def test_answers_401_without_an_access_token(self, api, db):
        assert api.get(EXPORT).status_code == 401


class TestDelete:
    def test_closes_the_account_at_once(self, api, mina):
        sign_in(api, mina)

        answer = delete(api, password=PASSWORD)

        assert answer.status_code == 202
        body = answer.json()
        assert set(body) == {"message", "timestamp", "erased_after"}
        assert body["erased_after"] > body["timestamp"]
        assert (api.get(ME).status_code, api.get(ME).json()["code"]) == (401, "session_revoked")
        api.credentials()
        login = api.post("/api/v1/auth/login", {"username": "mina", "password": PASSWORD}, format="json")
        assert (login.status_code, login.json()["code"]) == (401, "invalid_credentials")

    def test_needs_no_fresh_sign_in_beside_the_password(self, api, mina):
        sign_in(api, mina, ago=timedelta(days=1))

        assert delete(api, password=PASSWORD).status_code == 202

    def test_answers_401_for_a_wrong_password(self, api, mina):
        sign_in(api, mina)

        answer = delete(api, password=PASSWORD.upper())

        assert (answer.status_code, answer.json()["code"]) == (401, "invalid_credentials")
        assert api.get(ME).status_code == 200

    @pytest.mark.parametrize(
        ("body", "field", "code"),
        [
            ({}, "password", "required"),
            ({"password": ""}, "password", "blank"),
            ({"password": 5}, "password", "invalid"),
            ({"password": None}, "password", "invalid"),
            ({"passwort": "x"}, "passwort", "unknown_field"),
        ],
    )
    def test_answers_422_for_an_invalid_body(self, api, mina, body, field, code):
        sign_in(api, mina)

        answer = delete(api, **body)

        assert answer.status_code == 422
        assert [(error["field"], error["code"]) for error in answer.json()["errors"]] == [(field, code)]
        assert api.get(ME).status_code == 200

    def test_requires_the_second_factor_too_of_users_who_have_one(self, api, mina):
        User.objects.update(is_mfa_enabled=True)
        sign_in(api, mina)
        refused = delete(api, password=PASSWORD)
        assert (refused.status_code, refused.json()["code"]) == (403, "step_up_required")

        sign_in(api, mina, amr=("pwd", "otp", "mfa"))
        assert delete(api, password="wrong").status_code == 401
        assert delete(api, password=PASSWORD).status_code == 202

    def test_requires_a_recent_sign_in_of_users_without_a_password(self, api, db):
        somebody = UserFactory()
        sign_in(api, somebody, ago=LATE, amr=("google",))
        refused = delete(api)
        assert (refused.status_code, refused.json()["code"]) == (403, "reauthentication_required")

        sign_in(api, somebody, amr=("google",))
        assert delete(api).status_code == 202

    def test_answers_403_to_the_last_administrator(self, api, db):
        sign_in(api, UserFactory(admin=True, raw_password=PASSWORD))

        answer = delete(api, password=PASSWORD)

        assert (answer.status_code, answer.json()["code"]) == (403, "permission_denied")
        assert "last administrator" in answer.json()["detail"]
        assert api.get(ME).status_code == 200


class TestActivity:
    def test_lists_what_happened_newest_first(self, api, mina):
        sign_in(api, mina, ago=timedelta(days=9))
        delete(api, password="wrong")

        answer = api.get(ACTIVITY)

        assert answer.status_code == 200
        assert answer["Cache-Control"] == "no-store"
        results = answer.json()["results"]
        assert [row["type"] for row in results] == ["authentication.reauthentication_failed", "session.created"]
        assert set(results[0]) == {
            "id",
            "type",
            "occurred_at",
            "severity",
            "outcome",
            "ip_address",
            "user_agent",
            "session_id",
            "details",
            "explanation",
        }
        assert results[0]["ip_address"] == "127.0.0.1"

    def test_goes_page_by_page(self, api, mina):
        sign_in(api, mina)
        for _ in range(4):
            delete(api, password="wrong")

        pages, cursor = [], ""
        while cursor is not None:
            answer = api.get(ACTIVITY, {"limit": 2, **({"cursor": cursor} if cursor else {})}).json()
            pages.append([row["id"] for row in answer["results"]])
            cursor = answer["next"]
        assert [len(page) for page in pages] == [2, 2, 1]
        flat = [each for page in pages for each in page]
        assert flat == sorted(set(flat), reverse=True)

    @pytest.mark.parametrize("query", [{"limit": 0}, {"limit": 201}, {"cursor": "x"}, {"page": 2}, {"limit": "\0"}])
    def test_answers_422_for_what_is_no_page(self, api, mina, query):
        sign_in(api, mina)

        assert api.get(ACTIVITY, query).status_code == 422

    def test_shows_nothing_of_others(self, api, mina):
        open_session(user=UserFactory())
        sign_in(api, mina)

        assert len(api.get(ACTIVITY).json()["results"]) == 1
