"""The token endpoint: RFC 6749, 3.2, 4.4, 5 and 6."""

import jwt
import pytest

from security_events.models import SecurityEvent
from tests.factories.service_clients import answer, basic, post, register
from tests.factories.tokens import open_session
from tokens.models import ServiceClient, Session

TOKEN = "/oauth/token"
FORM = "application/x-www-form-urlencoded"

pytestmark = pytest.mark.django_db


def refused(response):
    """Return the status and the error of a refusal that has the shape of RFC 6749, 5.2."""
    status, body = answer(response)
    assert set(body) == {"error", "error_description"}
    assert body["error_description"].isascii()
    assert response["Content-Type"] == "application/json"
    assert response["Cache-Control"] == "no-store"
    return status, body["error"]


class TestClientCredentials:
    @pytest.mark.parametrize("way", ["basic", "post"])
    def test_issues_an_access_token_and_no_refresh_token(self, api, way):
        made = register(scopes=["tokens:introspect", "rate_limits:read"])
        parameters = {"grant_type": "client_credentials"}
        if way == "basic":
            response = post(api, TOKEN, parameters, headers=basic(made.client.pk, made.secret))
        else:
            given = {"client_id": str(made.client.pk), "client_secret": made.secret}
            response = post(api, TOKEN, {**parameters, **given})

        status, body = answer(response)
        assert status == 200
        assert set(body) == {"access_token", "token_type", "expires_in", "scope"}
        assert (body["token_type"], body["scope"]) == ("Bearer", "rate_limits:read tokens:introspect")
        assert (response["Cache-Control"], response["Pragma"]) == ("no-store", "no-cache")
        claims = jwt.decode(body["access_token"], options={"verify_signature": False})
        assert claims["sub"] == claims["client_id"] == str(made.client.pk)
        assert claims["scope"] == body["scope"]
        assert claims["exp"] - claims["iat"] == body["expires_in"] <= 900
        assert "sid" not in claims
        assert ServiceClient.objects.get().last_used_at is not None

    def test_narrows_the_scope(self, api):
        made = register(scopes=["tokens:introspect", "rate_limits:read"])
        headers = basic(made.client.pk, made.secret)
        narrowed = post(api, TOKEN, {"grant_type": "client_credentials", "scope": "rate_limits:read"}, headers=headers)

        assert answer(narrowed)[1]["scope"] == "rate_limits:read"

    @pytest.mark.parametrize("scope", ["rate_limits:read", "tokens:introspect rate_limits:read", "x", " ", "a  b", "é"])
    def test_gives_no_scope_that_the_client_lacks(self, api, scope):
        made = register()
        parameters = {"grant_type": "client_credentials", "scope": scope}
        response = post(api, TOKEN, parameters, headers=basic(made.client.pk, made.secret))

        assert refused(response) == (400, "invalid_scope")

    def test_needs_a_client(self, api):
        response = post(api, TOKEN, {"grant_type": "client_credentials"})

        assert refused(response) == (401, "invalid_client")
        assert response["WWW-Authenticate"].startswith("Basic ")


class TestRefreshToken:
    def test_gives_the_successor_as_the_json_call_does(self, api):
        pair = open_session()
        status, body = answer(post(api, TOKEN, {"grant_type": "refresh_token", "refresh_token": pair.refresh_token}))

        assert status == 200
        assert set(body) == {"access_token", "token_type", "expires_in", "refresh_token"}
        again = api.post("/api/v1/auth/refresh", {"refresh_token": body["refresh_token"]}, format="json")
        assert again.json()["session_id"] == str(pair.session_id)

    def test_detects_theft(self, api):
        first = open_session().refresh_token

        def exchange(token):
            return post(api, TOKEN, {"grant_type": "refresh_token", "refresh_token": token})

        second = answer(exchange(first))[1]["refresh_token"]
        exchange(second)
        response = exchange(first)

        assert refused(response) == (400, "invalid_grant")
        assert answer(response)[1]["error_description"] == "refresh_token_reused"
        assert Session.objects.get().end_reason == "reuse_detected"

    @pytest.mark.parametrize("token", ["x", "cdr_" + "A" * 55, "x" * 9000])
    def test_refuses_what_is_no_refresh_token(self, api, token):
        response = post(api, TOKEN, {"grant_type": "refresh_token", "refresh_token": token})

        assert refused(response) == (400, "invalid_grant")

    def test_ignores_the_id_of_a_public_client(self, api):
        parameters = {"grant_type": "refresh_token", "refresh_token": open_session().refresh_token, "client_id": "app"}

        assert answer(post(api, TOKEN, parameters))[0] == 200

    def test_has_no_scopes_to_give(self, api):
        pair = open_session()
        parameters = {"grant_type": "refresh_token", "refresh_token": pair.refresh_token, "scope": "tokens:introspect"}

        assert refused(post(api, TOKEN, parameters)) == (400, "invalid_scope")

    def test_gives_a_service_client_nothing_of_a_person(self, api):
        made, pair = register(), open_session()
        parameters = {"grant_type": "refresh_token", "refresh_token": pair.refresh_token}
        response = post(api, TOKEN, parameters, headers=basic(made.client.pk, made.secret))

        assert refused(response) == (400, "invalid_grant")
        assert answer(post(api, TOKEN, parameters))[0] == 200  # it was not used up

    def test_takes_one_query_more_than_none(self, api, django_assert_num_queries):
        pair = open_session()
        with django_assert_num_queries(1):
            post(api, TOKEN, {"grant_type": "refresh_token", "refresh_token": pair.refresh_token})


class TestTheForm:
    @pytest.mark.parametrize(
        ("body", "content_type"),
        [
            ('{"grant_type": "client_credentials"}', "application/json"),
            ("grant_type=client_credentials", "text/plain"),
            ("grant_type=client_credentials", ""),
            ("grant_type=client_credentials", f"{FORM}; charset=utf-16"),
            ("grant_type=client_credentials&grant_type=refresh_token", FORM),
            ("grant_type=client_credentials&grant_type=client_credentials", FORM),
            ("", FORM),
            ("grant_type=", FORM),
            ("grant_type=%ff", FORM),
            ("grant_type=\xff".encode("latin-1"), FORM),
            ("grant_type=%00", FORM),
            ("&".join(f"p{number}=1" for number in range(51)), FORM),
            ("grant_type=refresh_token", FORM),
        ],
    )
    def test_is_refused_where_it_is_none(self, api, body, content_type):
        assert refused(post(api, TOKEN, body, content_type=content_type)) == (400, "invalid_request")

    def test_has_a_bound(self, api):
        assert refused(post(api, TOKEN, "a=" + "b" * 70_000))[1] == "invalid_request"

    def test_may_name_its_encoding_and_hold_what_nobody_knows(self, api):
        made = register()
        response = post(
            api,
            TOKEN,
            "grant_type=client_credentials&resource=https%3A%2F%2Fapi.example.com&scope=",
            content_type=f"{FORM}; charset=UTF-8",
            headers=basic(made.client.pk, made.secret),
        )
        assert answer(response)[0] == 200

    @pytest.mark.parametrize("grant_type", ["password", "authorization_code", "urn:x", "é"])
    def test_names_a_grant_type_that_there_is(self, api, grant_type):
        assert refused(post(api, TOKEN, {"grant_type": grant_type})) == (400, "unsupported_grant_type")

    @pytest.mark.parametrize("method", ["get", "put", "delete", "patch"])
    def test_is_posted(self, api, method):
        response = getattr(api, method)(TOKEN)

        assert refused(response) == (405, "invalid_request")
        assert response["Allow"] == "POST"

    def test_has_an_answer_in_json_only(self, api):
        response = post(api, TOKEN, "grant_type=x", headers={"Accept": "text/html"})

        assert refused(response) == (406, "invalid_request")


def test_records_no_secret(api):
    made = register()
    post(api, TOKEN, {"grant_type": "client_credentials"}, headers=basic(made.client.pk, made.secret + "x"))

    for event in SecurityEvent.objects.all():
        assert made.secret not in str(event.__dict__)
    assert SecurityEvent.objects.filter(type="service_client.authentication_failed").count() == 1
