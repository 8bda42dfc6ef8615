import pytest
from django.utils import timezone

from tests.factories.accounts import UserFactory
from tests.factories.tokens import open_session
from tokens.models import Session
from tokens.services import revocation

URL = "/api/v1/auth/logout"


def sign(api, pair):
    api.credentials(HTTP_AUTHORIZATION=f"Bearer {pair.access_token}")
    return api


def living(user):
    return Session.objects.filter(user=user, ended_at__isnull=True).count()


@pytest.mark.django_db
class TestLogout:
    @pytest.mark.parametrize("body", [None, {}, {"all": False}])
    def test_ends_this_session(self, api, body):
        user = UserFactory()
        pair, _other = open_session(user=user), open_session(user=user)
        response = sign(api, pair).post(URL, body, format="json")

        assert (response.status_code, response.content) == (204, b"")
        assert living(user) == 1

    def test_ends_every_session_when_asked(self, api):
        user = UserFactory()
        pair, _other = open_session(user=user), open_session(user=user)

        assert sign(api, pair).post(URL, {"all": True}, format="json").status_code == 204
        assert living(user) == 0

    def test_kills_both_tokens_at_once(self, api):
        pair = open_session()
        sign(api, pair).post(URL)

        assert api.get("/api/v1/auth/sessions").json()["code"] == "session_revoked"
        api.credentials()
        refreshed = api.post("/api/v1/auth/refresh", {"refresh_token": pair.refresh_token}, format="json")
        assert refreshed.json()["code"] == "session_revoked"

    def test_says_that_the_session_ended_already(self, api):
        pair = open_session()
        sign(api, pair).post(URL)
        response = api.post(URL)

        assert (response.status_code, response.json()["code"]) == (401, "session_revoked")

    def test_says_that_the_token_expired(self, api, now):
        response = sign(api, open_session(now=now.replace(year=2020))).post(URL)

        assert (response.status_code, response.json()["code"]) == (401, "token_expired")

    def test_wants_a_token(self, api):
        response = api.post(URL)

        assert (response.status_code, response.json()["code"]) == (401, "authentication_required")
        assert response["WWW-Authenticate"].startswith("Bearer")

    @pytest.mark.parametrize("value", ["true", "yes", 1, None, []])
    def test_takes_no_other_value_for_a_boolean(self, api, value):
        user = UserFactory()
        response = sign(api, open_session(user=user)).post(URL, {"all": value}, format="json")

        assert response.status_code == 422
        assert response.json()["errors"][0]["field"] == "all"
        assert living(user) == 1

    def test_refuses_unknown_members(self, api):
        user = UserFactory()
        response = sign(api, open_session(user=user)).post(URL, {"everywhere": True}, format="json")

        assert [error["code"] for error in response.json()["errors"]] == ["unknown_field"]
        assert living(user) == 1


@pytest.mark.django_db(transaction=True)
class TestStatements:
    @pytest.mark.parametrize("everywhere", [False, True])
    def test_is_one_with_its_event(self, api, counted, everywhere):
        user = UserFactory()
        pair, _other = open_session(user=user), open_session(user=user)
        revocation.revoke_token(presented="x.y.z", now=timezone.now())  # so that the keys are known
        with counted() as statements:
            assert sign(api, pair).post(URL, {"all": everywhere}, format="json").status_code == 204

        (statement,) = statements
        assert "security_events_event" in statement
