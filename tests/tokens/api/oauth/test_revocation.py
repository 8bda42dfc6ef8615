"""The revocation endpoint: RFC 7009."""

import pytest

from security_events.models import SecurityEvent
from tests.factories.service_clients import answer, basic, post, register
from tests.factories.tokens import open_session
from tests.tokens.api.oauth.test_introspection import bearer, token_of
from tokens.models import Session

REVOKE, INTROSPECT = "/oauth/revoke", "/oauth/introspect"

pytestmark = pytest.mark.django_db


@pytest.fixture
def made():
    return register()


def is_active(api, token):
    return post(api, INTROSPECT, {"token": token}, headers=bearer(token)).status_code == 200


class TestRevoke:
    @pytest.mark.parametrize("kind", ["access_token", "refresh_token"])
    def test_ends_the_session_of_either_token(self, api, kind):
        pair = open_session()

        assert answer(post(api, REVOKE, {"token": getattr(pair, kind), "client_id": "app"})) == (200, {})
        assert Session.objects.get().end_reason == "token_revoked"

    @pytest.mark.parametrize("is_authenticated", [True, False])
    def test_refuses_one_token_of_a_client_at_once_and_no_other(self, api, made, is_authenticated):
        first, second = token_of(api, made), token_of(api, made)
        headers = basic(made.client.pk, made.secret) if is_authenticated else {}
        for _ in range(2):
            assert answer(post(api, REVOKE, {"token": first}, headers=headers)) == (200, {})

        assert not is_active(api, first)
        assert is_active(api, second)
        assert SecurityEvent.objects.filter(type="service_client.token_revoked").count() == 1

    def test_lets_a_client_end_nothing_that_is_not_its_own(self, api, made):
        other, pair = register(name="other"), open_session()
        foreign = token_of(api, other)
        for token in (foreign, pair.access_token, pair.refresh_token, "junk"):
            assert answer(post(api, REVOKE, {"token": token}, headers=basic(made.client.pk, made.secret))) == (200, {})

        assert is_active(api, foreign)
        assert Session.objects.get().ended_at is None

    def test_works_by_the_json_call_too(self, api, made):
        token = token_of(api, made)
        api.post("/api/v1/auth/revoke", {"token": token}, format="json")

        assert not is_active(api, token)

    def test_refuses_wrong_credentials(self, api, made):
        token = token_of(api, made)
        response = post(api, REVOKE, {"token": token}, headers=basic(made.client.pk, "cds_wrong"))

        assert (response.status_code, answer(response)[1]["error"]) == (401, "invalid_client")
        assert is_active(api, token)

    def test_asks_for_a_token(self, api):
        assert answer(post(api, REVOKE, {"x": "y"}))[1]["error"] == "invalid_request"
