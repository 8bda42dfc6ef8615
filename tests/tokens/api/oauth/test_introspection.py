"""The introspection endpoint: RFC 7662."""

import pytest

from tests.factories.accounts import UserFactory
from tests.factories.service_clients import answer, asserted, assertion, basic, post, register, register_with_key
from tests.factories.tokens import family_of, open_session

INTROSPECT, TOKEN = "/oauth/introspect", "/oauth/token"

pytestmark = pytest.mark.django_db


def token_of(api, made, **parameters):
    response = post(
        api, TOKEN, {"grant_type": "client_credentials", **parameters}, headers=basic(made.client.pk, made.secret)
    )
    return answer(response)[1]["access_token"]


def bearer(token):
    return {"Authorization": f"Bearer {token}"}


class TestOfAClientWithTheScope:
    @pytest.mark.parametrize("kind", ["access_token", "refresh_token"])
    @pytest.mark.parametrize("way", ["basic", "bearer", "assertion"])
    def test_tells_of_tokens_of_people(self, api, kind, way):
        pair, made = open_session(), register()
        parameters = {"token": getattr(pair, kind), "token_type_hint": kind}
        headers = basic(made.client.pk, made.secret) if way == "basic" else {}
        if way == "bearer":
            headers = bearer(token_of(api, made))
        if way == "assertion":
            client, private = register_with_key()
            parameters |= asserted(assertion(client, private))
        status, body = answer(post(api, INTROSPECT, parameters, headers=headers))

        assert (status, body["active"], body["sid"]) == (200, True, str(pair.session_id))
        assert body["sub"] == str(family_of(pair).user_id)

    def test_tells_of_tokens_of_other_clients(self, api):
        made, other = register(), register(name="other", scopes=["rate_limits:read"])
        token = token_of(api, other)
        status, body = answer(post(api, INTROSPECT, {"token": token}, headers=basic(made.client.pk, made.secret)))

        assert status == 200
        assert body.pop("exp") > body.pop("iat")
        assert body.pop("jti")
        assert body == {
            "active": True,
            "token_type": "Bearer",
            "iss": "http://127.0.0.1:8000",
            "aud": "cedrina",
            "sub": str(other.client.pk),
            "client_id": str(other.client.pk),
            "scope": "rate_limits:read",
        }

    def test_answers_the_json_call_too(self, api):
        pair, made = open_session(), register()
        api.credentials(HTTP_AUTHORIZATION=f"Bearer {token_of(api, made)}")
        body = api.post("/api/v1/auth/introspect", {"token": pair.access_token}, format="json").json()

        assert body["sid"] == str(pair.session_id)

    def test_counts_as_no_use_of_the_session_or_of_the_client(self, api):
        made, other = register(), register(name="other")
        token = token_of(api, other)
        type(other.client).objects.update(last_used_at=None)
        post(api, INTROSPECT, {"token": token}, headers=basic(made.client.pk, made.secret))

        other.client.refresh_from_db()
        assert other.client.last_used_at is None


class TestOfOthers:
    @pytest.mark.parametrize("kind", ["person", "client", "junk"])
    @pytest.mark.parametrize("way", ["basic", "bearer"])
    def test_says_only_that_a_foreign_token_is_not_active(self, api, kind, way):
        made = register(scopes=["rate_limits:read"])
        other = register(name="other")
        tokens = {"person": open_session().access_token, "client": token_of(api, other), "junk": "a.b.c"}
        headers = basic(made.client.pk, made.secret) if way == "basic" else bearer(token_of(api, made))

        assert answer(post(api, INTROSPECT, {"token": tokens[kind]}, headers=headers)) == (200, {"active": False})

    def test_tells_a_client_of_its_own_token(self, api):
        made = register(scopes=["rate_limits:read"])
        token = token_of(api, made)
        body = answer(post(api, INTROSPECT, {"token": token}, headers=bearer(token)))[1]

        assert (body["active"], body["scope"]) == (True, "rate_limits:read")

    def test_gives_a_narrowed_token_no_more_than_it_has(self, api):
        made = register(scopes=["rate_limits:read", "tokens:introspect"])
        narrowed = token_of(api, made, scope="rate_limits:read")
        pair = open_session()

        assert answer(post(api, INTROSPECT, {"token": pair.access_token}, headers=bearer(narrowed)))[1] == {
            "active": False
        }

    def test_tells_people_of_their_own_tokens(self, api):
        pair = open_session()
        own = post(api, INTROSPECT, {"token": pair.refresh_token}, headers=bearer(pair.access_token))
        foreign = post(api, INTROSPECT, {"token": open_session().access_token}, headers=bearer(pair.access_token))

        assert answer(own)[1]["active"] is True
        assert answer(foreign)[1] == {"active": False}

    def test_lets_permitted_people_ask_about_clients(self, api):
        made = register()
        boss = open_session(user=UserFactory(admin=True))
        body = answer(post(api, INTROSPECT, {"token": token_of(api, made)}, headers=bearer(boss.access_token)))[1]

        assert body["client_id"] == str(made.client.pk)


class TestRefusals:
    def test_ask_for_a_client(self, api):
        response = post(api, INTROSPECT, {"token": "x"})

        assert (response.status_code, answer(response)[1]["error"]) == (401, "invalid_client")
        assert response["WWW-Authenticate"].startswith("Basic ")

    def test_say_that_a_bearer_token_is_not_accepted(self, api):
        response = post(api, INTROSPECT, {"token": "x"}, headers=bearer("junk"))

        assert (response.status_code, answer(response)[1]["error"]) == (401, "invalid_token")
        assert response["WWW-Authenticate"].startswith('Bearer error="invalid_token"')

    def test_ask_for_a_token(self, api):
        made = register()
        response = post(api, INTROSPECT, {"x": "y"}, headers=basic(made.client.pk, made.secret))

        assert (response.status_code, answer(response)[1]["error"]) == (400, "invalid_request")

    def test_allow_one_way_of_authentication(self, api):
        made = register()
        parameters = {"token": "x", "client_id": str(made.client.pk), "client_secret": made.secret}
        response = post(api, INTROSPECT, parameters, headers=bearer(token_of(api, made)))

        assert (response.status_code, answer(response)[1]["error"]) == (400, "invalid_request")
