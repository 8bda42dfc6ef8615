import pytest
from django.utils import timezone

from security_events.models import SecurityEvent
from tests.factories.tokens import family_of, open_session
from tokens.end_reasons import LOGOUT
from tokens.refresh_tokens import secrets
from tokens.services import revocation, rotation, verification

URL = "/api/v1/auth/refresh"


def post(api, token):
    return api.post(URL, {"refresh_token": token}, format="json")


@pytest.mark.django_db
class TestRefresh:
    def test_answers_with_a_new_pair(self, api):
        first = open_session()
        response = post(api, first.refresh_token)

        assert response.status_code == 200
        body = response.json()
        assert set(body) == {
            "access_token",
            "refresh_token",
            "token_type",
            "expires_in",
            "refresh_expires_in",
            "session_id",
        }
        assert (body["token_type"], body["session_id"]) == ("Bearer", str(first.session_id))
        assert body["refresh_token"] != first.refresh_token
        assert verification.authenticate(presented=body["access_token"], now=timezone.now())
        assert response["Cache-Control"] == "no-store"

    def test_gives_the_same_successor_again(self, api):
        first = open_session()
        answers = [post(api, first.refresh_token).json()["refresh_token"] for _ in range(3)]

        assert len(set(answers)) == 1

    def test_requires_no_access_token_and_ignores_an_invalid_one(self, api):
        api.credentials(HTTP_AUTHORIZATION="Bearer junk")

        assert post(api, open_session().refresh_token).status_code == 200

    @pytest.mark.parametrize("token", ["x", "cdr_" + "A" * 55, "eyJ.eyJ.x", "é", " " * 59])
    def test_refuses_junk(self, api, token):
        self.refused(post(api, token), "invalid_token")

    def test_refuses_a_token_that_was_never_issued(self, api):
        pair = open_session()
        future = secrets.mint_refresh_token(family_id=family_of(pair).pk, generation=7, key_epoch=1)

        self.refused(post(api, future), "invalid_token")

    def test_refuses_a_spelling_with_spaces_around(self, api):
        pair = open_session()

        self.refused(post(api, f" {pair.refresh_token}"), "invalid_token")

    def test_refuses_the_token_of_an_ended_session(self, api):
        pair = open_session()
        revocation.end_sessions(user_id=family_of(pair).user_id, reason=LOGOUT, now=timezone.now())

        self.refused(post(api, pair.refresh_token), "session_revoked")

    def test_refuses_the_token_of_an_expired_session(self, api, now):
        pair = open_session(now=now.replace(year=2020))

        self.refused(post(api, pair.refresh_token), "session_expired")

    def test_keeps_the_revocation_that_its_refusal_is_about(self, api):
        first = open_session()
        second = rotation.rotate(presented=first.refresh_token, now=timezone.now())
        third = rotation.rotate(presented=second.refresh_token, now=timezone.now())

        self.refused(post(api, first.refresh_token), "refresh_token_reused")
        self.refused(post(api, third.refresh_token), "session_revoked")
        event = SecurityEvent.objects.get(session_id=first.session_id, type="token.reuse_detected")
        assert event.correlation_id

    def refused(self, response, code):
        assert response.status_code == 401
        assert response["Content-Type"] == "application/problem+json"
        assert response["WWW-Authenticate"] == f'Bearer error="invalid_token", error_description="{code}"'
        assert response.json()["code"] == code

    @pytest.mark.parametrize(
        ("body", "field", "code"),
        [
            ({}, "refresh_token", "required"),
            ({"refresh_token": ""}, "refresh_token", "blank"),
            ({"refresh_token": None}, "refresh_token", "invalid"),
            ({"refresh_token": 5}, "refresh_token", "invalid"),
            ({"refresh_token": True}, "refresh_token", "invalid"),
            ({"refresh_token": ["x"]}, "refresh_token", "invalid"),
            ({"refresh_token": {}}, "refresh_token", "invalid"),
            ({"refresh_token": "x" * 8193}, "refresh_token", "max_length"),
            ({"refresh_token": "x", "refreshtoken": "x"}, "refreshtoken", "unknown_field"),
        ],
    )
    def test_refuses_another_shape(self, api, body, field, code):
        response = api.post(URL, body, format="json")

        assert response.status_code == 422
        assert [(error["field"], error["code"]) for error in response.json()["errors"]] == [(field, code)]

    def test_refuses_other_methods(self, api):
        for method in (api.get, api.put, api.delete, api.patch):
            assert method(URL).status_code == 405


@pytest.mark.django_db(transaction=True)
class TestStatements:
    def test_is_one_for_the_winner_its_event_included(self, api, counted):
        pair = open_session()
        post(api, pair.refresh_token)
        second = post(api, pair.refresh_token).json()["refresh_token"]
        with counted() as statements:
            assert post(api, second).status_code == 200

        (statement,) = statements
        assert "security_events_event" in statement
