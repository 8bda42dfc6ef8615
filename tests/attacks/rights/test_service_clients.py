"""What somebody with a service client, a copy of its requests or nothing at all tries at the OAuth endpoints."""

import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta

import jwt
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.urls import get_resolver
from django.utils import timezone
from rest_framework.test import APIClient

from cedrina_base import base64url
from security_events.models import SecurityEvent
from security_events.services import deduplication
from tests.described import SOME_ID, VERBS, calls
from tests.factories.accounts import UserFactory
from tests.factories.service_clients import (
    ISSUER,
    answer,
    asserted,
    assertion,
    basic,
    claims_of_assertion,
    operator,
    post,
    public_jwk,
    register,
    register_with_key,
)
from tests.factories.tokens import open_session
from tokens.models import Session
from tokens.service_clients.scopes import SCOPES
from tokens.services import service_clients

TOKEN, INTROSPECT = "/oauth/token", "/oauth/introspect"
GRANT = {"grant_type": "client_credentials"}

pytestmark = pytest.mark.django_db


@pytest.fixture
def api():
    return APIClient()


def issued(api, made, **parameters):
    return answer(post(api, TOKEN, {**GRANT, **parameters}, headers=basic(made.client.pk, made.secret)))[1]


def status_of(api, text):
    return post(api, TOKEN, {**GRANT, **asserted(text)}).status_code


def unsigned(client, header):
    return ".".join(base64url.encode(json.dumps(part).encode()) for part in (header, claims_of_assertion(client)))


@pytest.mark.attack("RFC 8725, 3.1")
class TestAlgorithmConfusion:
    @pytest.mark.parametrize("algorithm", ["none", "None", "NONE", "", None, 0, ["none"], "HS256", "ES512", "RS1"])
    def test_of_an_unsigned_assertion(self, api, algorithm):
        client, _private = register_with_key()
        text = unsigned(client, {"alg": algorithm, "kid": "1"})
        assert status_of(api, text + ".") == status_of(api, text + ".AAAA") == 401

    @pytest.mark.parametrize("claimed", ["HS256", "RS256", "PS256"])
    @pytest.mark.parametrize("encoding", [Encoding.PEM, Encoding.DER])
    def test_of_the_public_key_as_the_key_of_a_mac(self, api, claimed, encoding):
        client, private = register_with_key(algorithm="RS256")
        key = private.public_key().public_bytes(encoding, PublicFormat.SubjectPublicKeyInfo)
        text = unsigned(client, {"alg": claimed, "kid": "1"})
        mac = hmac.digest(key, text.encode(), hashlib.sha256)
        assert status_of(api, f"{text}.{base64url.encode(mac)}") == 401

    def test_of_a_key_in_the_header(self, api):
        client, _private = register_with_key()
        _other, own = register_with_key(name="attacker")
        for member in ({"jwk": public_jwk(own, algorithm="ES256")}, {"jku": "https://evil.example/jwks"}, {"x5u": "x"}):
            assert status_of(api, assertion(client, own, headers={"kid": "1", **member})) == 401
            assert status_of(api, assertion(client, own, headers=member)) == 401


@pytest.mark.attack("RFC 7523, 3")
class TestForeignAssertions:
    def test_of_another_client(self, api):
        client, _private = register_with_key()
        attacker, own = register_with_key(name="attacker")
        assert status_of(api, assertion(client, own)) == 401
        assert status_of(api, assertion(client, own, iss=str(attacker.pk))) == 401
        assert status_of(api, assertion(attacker, own, sub=str(client.pk))) == 401

    def test_that_were_made_for_another_server(self, api):
        client, private = register_with_key()
        for audience in ("https://evil.example", [ISSUER, "https://evil.example"], f"{ISSUER}/oauth/revoke", [], "*"):
            assert status_of(api, assertion(client, private, aud=audience)) == 401

    def test_that_are_an_access_token_of_ours(self, api):
        made = register()
        for token in (issued(api, made)["access_token"], open_session().access_token):
            assert status_of(api, token) == 401

    def test_that_come_back(self, api):
        client, private = register_with_key()
        text = assertion(client, private)
        assert [status_of(api, text) for _ in range(3)] == [200, 401, 401]
        (event,) = SecurityEvent.objects.filter(type="service_client.authentication_failed")
        assert (event.risk_reasons, event.target_id) == (["assertion_replayed"], str(client.pk))
        assert text not in str(event.__dict__)

    def test_that_come_back_at_another_endpoint_or_in_another_encoding(self, api):
        client, private = register_with_key()
        text = assertion(client, private)
        assert status_of(api, text) == 200
        assert post(api, INTROSPECT, {"token": "x", **asserted(text)}).status_code == 401
        header, payload, signature = text.split(".")
        same = jwt.utils.base64url_decode(signature)
        r, s = same[:32], int.from_bytes(same[32:])
        order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
        other = base64url.encode(r + (order - s).to_bytes(32))  # the other signature that ECDSA accepts
        assert status_of(api, f"{header}.{payload}.{other}") == 401

    def test_that_live_for_ever(self, api):
        client, private = register_with_key()
        for lifetime in (timedelta(hours=2), timedelta(days=36500)):
            expiry = int((datetime.now(UTC) + lifetime).timestamp())
            assert status_of(api, assertion(client, private, exp=expiry)) == 401


@pytest.mark.attack("RFC 6749, 10.10")
class TestGuessing:
    def test_of_secrets_is_counted_by_address_and_cannot_fill_the_trail(self, api):
        made = register()
        for number in range(60):
            post(api, TOKEN, GRANT, headers=basic(SOME_ID[:-2] + f"{number:02}", "cds_x"))
            post(api, TOKEN, GRANT, headers=basic(made.client.pk, f"cds_{number}"))
        deduplication.record_counts(now=timezone.now() + timedelta(minutes=2))
        events = SecurityEvent.objects.filter(type="service_client.authentication_failed")

        assert events.count() <= 2 * 2  # a kind for each reason, and its number
        assert not any("cds_" in str(event.__dict__) for event in events)

    def test_with_the_digest_of_a_secret(self, api):
        made = register()
        digest = made.client.secrets.get().digest
        for guess in (digest.hex(), base64url.encode(bytes(digest)), bytes(digest).decode("latin-1"), ""):
            assert post(api, TOKEN, GRANT, headers=basic(made.client.pk, guess)).status_code == 401

    @pytest.mark.parametrize("change", [str.upper, str.lower, lambda s: s + " ", lambda s: s[:-1], lambda s: " " + s])
    def test_with_a_secret_that_is_nearly_right(self, api, change):
        made = register()
        assert post(api, TOKEN, GRANT, headers=basic(made.client.pk, change(made.secret))).status_code == 401


@pytest.mark.attack("RFC 6749, 3.3")
class TestScopeEscalation:
    def test_by_asking_for_more(self, api):
        made = register(scopes=["rate_limits:read"])
        for scope in SCOPES.keys() - {"rate_limits:read"}:
            assert issued(api, made, scope=f"rate_limits:read {scope}")["error"] == "invalid_scope"

    def test_by_a_token_from_before_the_scope_was_withdrawn(self, api):
        made = register(scopes=["rate_limits:read", "tokens:introspect"])
        token = issued(api, made)["access_token"]
        service_clients.change(
            client_id=made.client.pk,
            members={"scopes": ["rate_limits:read"]},
            operator=operator(),
            now=timezone.now(),
        )
        person = open_session().access_token
        response = post(api, INTROSPECT, {"token": person}, headers={"Authorization": f"Bearer {token}"})
        assert answer(response) == (200, {"active": False})

    @pytest.mark.parametrize("scope", ["rate_limits:read", "tokens:introspect"])
    def test_by_calls_of_another_scope(self, api, scope):
        token = issued(api, register(scopes=[scope]))["access_token"]
        api.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
        policies = api.get("/api/v1/admin/rate-limit-policies").status_code
        assert policies == (200 if scope == "rate_limits:read" else 403)
        assert api.post("/api/v1/admin/rate-limit-policies", {}, format="json").status_code == 403


@pytest.mark.attack("RFC 9068, 5")
class TestPretendingToBeAPerson:
    """A service client's token at the calls of people: none answers it, and none breaks."""

    @pytest.fixture
    def bearing(self, api):
        made = register(scopes=sorted(SCOPES))
        api.raise_request_exception = False
        api.credentials(HTTP_AUTHORIZATION=f"Bearer {issued(api, made)['access_token']}")
        return api

    @pytest.mark.parametrize("call", [call for call in calls() if not call.is_public], ids=lambda call: call.name)
    def test_at_each_call_that_needs_a_token(self, bearing, call):
        response = bearing.generic(
            call.method,
            call.path,
            json.dumps(call.example or {}),
            content_type="application/json",
            headers={"If-Match": '"1"'},
        )
        if call.name in OF_SERVICE_CLIENTS:
            assert response.status_code in (200, 404, 409, 422)
        else:
            assert (response.status_code, response.json()["code"]) == (403, "permission_denied")

    def test_at_each_route(self, bearing):
        for path in routes(get_resolver().url_patterns, "/"):
            for method in VERBS:
                response = bearing.generic(method.upper(), path, "{}", content_type="application/json")
                assert response.status_code not in (500, 501), (method, path)
                if path.startswith("/admin/"):  # its pages know cookies only
                    assert response.status_code != 200 or b'name="password"' in response.content, (method, path)

    def test_leaves_the_session_of_nobody_changed(self, bearing):
        pair = open_session()
        bearing.post("/api/v1/auth/logout", {"all": True}, format="json")
        bearing.delete("/api/v1/auth/sessions")
        assert Session.objects.get(pk=pair.session_id).ended_at is None


# What a service client may do with its scopes.
OF_SERVICE_CLIENTS = {
    "POST /api/v1/auth/introspect",
    "POST /api/v1/authz/check",
    "POST /api/v1/authz/check-batch",
    "POST /api/v1/authz/search/subjects",
    "POST /api/v1/authz/search/objects",
    "POST /api/v1/authz/search/actions",
    "POST /access/v1/evaluation",
    "POST /access/v1/evaluations",
    "POST /access/v1/search/subject",
    "POST /access/v1/search/resource",
    "POST /access/v1/search/action",
    "GET /api/v1/health",
    "GET /api/v1/metrics",
    "GET /api/v1/admin/security-events",
    "GET /api/v1/admin/security-events/{event_id}",
    "GET /api/v1/admin/security-events/{event_id}/proof",
    "GET /api/v1/admin/security-events/{event_id}/risk",
    "GET /api/v1/admin/incidents",
    "GET /api/v1/admin/incidents/{incident_id}",
    "GET /api/v1/admin/incidents/{incident_id}/events",
    "GET /api/v1/admin/audit-trail/checkpoint",
    "GET /api/v1/admin/audit-trail/checkpoints",
    "GET /api/v1/admin/audit-trail/consistency",
    "GET /api/v1/admin/rate-limit-policies",
    "GET /api/v1/admin/rate-limit-policies/{policy_id}",
    "GET /api/v1/admin/rate-limit-policies/versions",
    "GET /api/v1/admin/policies",
    "GET /api/v1/admin/policies/{rule_id}",
    "GET /api/v1/admin/policies/versions",
    "GET /api/v1/admin/policies/versions/{number}",
    "GET /api/v1/admin/policies/unused",
    "GET /api/v1/admin/policy-drafts",
    "GET /api/v1/admin/policy-drafts/{draft_id}",
    "GET /api/v1/admin/policy-drafts/{draft_id}/impact",
    "GET /api/v1/admin/policy-drafts/{draft_id}/shadow",
    "GET /api/v1/admin/roles",
    "GET /api/v1/admin/roles/{name}",
}


def routes(patterns, prefix):
    """Yield a path for each route, with something plausible for its variable parts."""
    for pattern in patterns:
        path = prefix + str(pattern.pattern).replace("^", "").replace("<uuid:", "<")
        if hasattr(pattern, "url_patterns"):
            yield from routes(pattern.url_patterns, path)
        elif "(" not in path:
            filled = "/".join(SOME_ID if "<" in part else part for part in path.split("/"))
            yield filled


@pytest.mark.attack("RFC 7662, 4")
class TestScanningForTokens:
    def test_by_a_client_without_the_scope_tells_nothing(self, api):
        made, other = register(scopes=["rate_limits:read"]), register(name="other")
        person = open_session(user=UserFactory())
        found = {
            post(api, INTROSPECT, {"token": token}, headers=basic(made.client.pk, made.secret)).content
            for token in (issued(api, other)["access_token"], person.access_token, person.refresh_token, "x.y.z")
        }
        assert found == {b'{"active":false}'}


@pytest.mark.attack("RFC 6749, 2.3")
class TestDisabledInMidFlight:
    def test_neither_gets_nor_uses_tokens(self, api):
        made = register()
        token = issued(api, made)["access_token"]
        service_clients.change(
            client_id=made.client.pk, members={}, is_enabled=False, operator=operator(), now=timezone.now()
        )
        assert issued(api, made)["error"] == "invalid_client"
        response = post(api, INTROSPECT, {"token": token}, headers={"Authorization": f"Bearer {token}"})
        assert (response.status_code, answer(response)[1]["error"]) == (401, "invalid_token")
