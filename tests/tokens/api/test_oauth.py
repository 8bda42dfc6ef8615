import pytest
from django.utils import timezone

from tests.factories.accounts import UserFactory
from tests.factories.tokens import family_of, open_session
from tokens.end_reasons import LOGOUT
from tokens.models import Session
from tokens.services import revocation

INTROSPECT = "/api/v1/auth/introspect"
REVOKE = "/api/v1/auth/revoke"

pytestmark = pytest.mark.django_db


def sign(api, pair):
    api.credentials(HTTP_AUTHORIZATION=f"Bearer {pair.access_token}")
    return api


class TestIntrospect:
    @pytest.mark.parametrize("kind", ["access_token", "refresh_token"])
    def test_tells_of_ones_own_tokens(self, api, kind):
        pair = open_session()
        response = sign(api, pair).post(INTROSPECT, {"token": getattr(pair, kind)}, format="json")

        assert response.status_code == 200
        assert response["Cache-Control"] == "no-store"
        assert response.json()["active"] is True
        assert response.json()["sid"] == str(pair.session_id)

    @pytest.mark.parametrize("kind", ["access_token", "refresh_token"])
    def test_says_only_that_a_foreign_token_is_not_active(self, api, kind):
        foreign = open_session()
        response = sign(api, open_session()).post(INTROSPECT, {"token": getattr(foreign, kind)}, format="json")

        assert (response.status_code, response.json()) == (200, {"active": False})

    @pytest.mark.parametrize("kind", ["access_token", "refresh_token"])
    def test_answers_only_that_a_revoked_token_is_not_active(self, api, kind):
        user = UserFactory()
        dead, alive = open_session(user=user), open_session(user=user)
        revocation.end_session(session_id=dead.session_id, user_id=user.pk, reason=LOGOUT, now=timezone.now())
        response = sign(api, alive).post(INTROSPECT, {"token": getattr(dead, kind)}, format="json")

        assert response.json() == {"active": False}

    def test_answers_with_all_members_to_permitted_callers(self, api):
        foreign = open_session()
        asker = open_session(user=UserFactory(admin=True))
        body = sign(api, asker).post(
            INTROSPECT, {"token": foreign.access_token, "token_type_hint": "access_token"}, format="json"
        )

        assert body.json()["sub"] == str(family_of(foreign).user_id)

    def test_wants_a_token_of_the_asker(self, api):
        response = api.post(INTROSPECT, {"token": "x"}, format="json")

        assert (response.status_code, response.json()["code"]) == (401, "authentication_required")

    @pytest.mark.parametrize(("body", "code"), [({}, "required"), ({"token": 1}, "invalid"), ({"token": ""}, "blank")])
    def test_refuses_another_shape(self, api, body, code):
        response = sign(api, open_session()).post(INTROSPECT, body, format="json")

        assert response.status_code == 422
        assert [(error["field"], error["code"]) for error in response.json()["errors"]] == [("token", code)]


class TestRevoke:
    @pytest.mark.parametrize("kind", ["access_token", "refresh_token"])
    def test_ends_the_session_of_either_token(self, api, kind):
        pair = open_session()
        response = api.post(REVOKE, {"token": getattr(pair, kind), "token_type_hint": "nonsense"}, format="json")

        assert (response.status_code, response.json()) == (200, {})
        assert Session.objects.get(pk=pair.session_id).end_reason == "token_revoked"

    @pytest.mark.parametrize("token", ["x", "cdr_" + "A" * 55, "a.b.c", "é", " "])
    def test_answers_alike_whatever_the_token_was(self, api, token):
        response = api.post(REVOKE, {"token": token}, format="json")

        assert (response.status_code, response.json()) == (200, {})

    def test_answers_the_same_for_a_revoked_token(self, api):
        pair = open_session()
        for _ in range(2):
            assert api.post(REVOKE, {"token": pair.refresh_token}, format="json").status_code == 200

    def test_ignores_invalid_credentials(self, api):
        api.credentials(HTTP_AUTHORIZATION="Bearer junk")

        assert api.post(REVOKE, {"token": "x"}, format="json").status_code == 200
