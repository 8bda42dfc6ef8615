"""The limits that are shipped, and what they are told of requests."""

import json
from urllib.parse import urlencode

import pytest
from asgiref.testing import ApplicationCommunicator
from django.test import Client, RequestFactory, override_settings
from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart

from cedrina import rate_limit_hooks
from cedrina.settings.environment import ConfigurationError, environment_of_test_run, load
from cedrina.settings.rate_limits import profile
from ratelimiting.asgi import WebSocketRateLimitMiddleware
from ratelimiting.services import active_policies
from ratelimiting.services.request_limits import decide_request
from ratelimiting.types import RequestAttributes
from tests.factories.accounts import UserFactory
from tests.factories.service_clients import basic, post, register
from tests.factories.tokens import family_of, open_session
from tests.ratelimiting.policy_documents import document

# runtime.md, "Shipped limits": name, limit, seconds, what it is counted by.
# Of our own beside those: what begins a sign-in, what computes a hash, and mail that is caused otherwise.
SHIPPED = {
    "global": (5000, 1, ["global"]),
    "sign-in": (10, 60, ["ip"]),
    "registration": (5, 3600, ["ip"]),
    "mail-account": (3, 3600, ["account"]),
    "mail-address": (20, 3600, ["ip"]),
    "refresh-family": (30, 60, ["family"]),
    "refresh-address": (600, 60, ["ip"]),
    "oauth-address": (600, 60, ["ip"]),
    "introspection-address": (6000, 60, ["ip"]),
    "access-questions": (6000, 60, ["user"]),
    "access-batches": (600, 60, ["user"]),
    "access-questions-address": (12_000, 60, ["ip"]),
    "service-client": (6000, 60, ["user"]),
    "client-authentication-failures": (30, 60, ["ip"]),
    "policy-changes": (50, 60, ["user"]),
    "policy-impacts": (20, 60, ["user"]),
    "ceremonies": (120, 60, ["ip"]),
    "address-changes": (10, 3600, ["user"]),
    "creations": (100, 3600, ["user"]),
    "operator-actions": (600, 3600, ["user"]),
    "hashing": (20, 60, ["ip"]),
    "hashing-network": (100, 60, ["network"]),
    "registration-network": (5, 60, ["network"]),
    "mail-network": (20, 60, ["network"]),
    "ceremonies-network": (120, 60, ["network"]),
    "tightened-client": (5, 60, ["ip", "tightened_client"]),
    "tightened-network": (30, 60, ["tightened_network"]),
    "tightened-mail": (5, 3600, ["ip", "tightened_client"]),
    "hashing-user": (20, 60, ["user"]),
    "user": (300, 60, ["user"]),
    "user-pro": (1500, 60, ["user"]),
    "user-enterprise": (6000, 60, ["user"]),
    "address": (1000, 60, ["ip"]),
    "address-pro": (5000, 60, ["ip"]),
    "address-enterprise": (20000, 60, ["ip"]),
}
HASHING = {"hashing", "hashing-network", "hashing-user"}
# Of networks from which attacks come.
STRANGERS = {"tightened-client", "tightened-network"}


def production():
    return override_settings(RATELIMITING=_with(profile("production")))


def _with(policies):
    from django.conf import settings

    return {**settings.RATELIMITING, "POLICIES": policies}


def names(route, method="POST", tier=None):
    return {rule.policy.name for rule in active_policies.current().for_request(route=route, method=method, tier=tier)}


class TestProfile:
    @pytest.mark.parametrize("environment", ["staging", "production"])
    def test_is_what_is_promised(self, environment):
        found = {p["name"]: (p["limit"], p["window"], p["scope"]) for p in profile(environment)}
        assert found == SHIPPED

    def test_of_development_is_a_hundred_times_as_wide(self):
        assert {p["name"]: p["limit"] for p in profile("development")} == {
            name: limit * 100 for name, (limit, _, _) in SHIPPED.items()
        }

    def test_limits_everything_once_for_what_it_is(self):
        with production():
            assert names("login") == {"global", "sign-in", *STRANGERS, *HASHING}
            assert names("login", "GET") == {"global", "user", "address"}
            assert names("register") == {
                *("global", "registration", "registration-network", "tightened-mail"),
                *STRANGERS,
                *HASHING,
            }
            assert names("page-forgot-password") == {
                *("global", "mail-account", "mail-address", "mail-network", "tightened-mail"),
                *STRANGERS,
            }
            assert (
                names("passkey-options")
                == names("social-authorize", "GET")
                == {"global", "ceremonies", "ceremonies-network"}
            )
            assert names("change-email") == {"global", "address-changes", "address", *HASHING}
            assert names("refresh") == {"global", "refresh-family", "refresh-address"}
            assert names("oauth-token") == {"global", "refresh-family", "oauth-address"}
            assert names("oauth-revoke") == {"global", "oauth-address"}
            assert names("oauth-introspect") == {"global", "introspection-address"}
            assert names("me", "GET") == names("", "GET") == names("websocket", "GET") == {"global", "user", "address"}
            assert names("me", "GET", "pro") == {"global", "user-pro", "address-pro"}
            assert names("authz-check") == {"global", "access-questions", "access-questions-address"}
            assert names("authzen-evaluations") == {"global", "access-batches", "access-questions-address"}
            for route in ("rate-limit-policies", "policies", "policy", "policies-rollback", "role"):
                assert names(route) == {"global", "policy-changes", "address"}, route
                assert names(route, "GET") == {"global", "user", "address"}, route
            assert names("user-role", "PUT") == {"global", "operator-actions", "address"}
            assert names("users") == {"global", "creations", "address"}
            assert names("user", "PATCH") == names("user-action-lock") == {"global", "operator-actions", "address"}
            assert names("users", "GET") == names("user-sessions", "GET") == {"global", "user", "address"}
            assert names("rate-limit-policies", "GET") == {"global", "user", "address"}

    def test_lets_ten_sign_ins_a_minute_through(self):
        with production():
            sign_ins = [
                decide_request(attributes=RequestAttributes(route="login", method="POST", address="203.0.113.7"))
                for _ in range(12)
            ]
            assert [outcome.is_allowed for outcome in sign_ins] == [True] * 10 + [False] * 2


class TestEnvironment:
    def given(self, **names):
        return load({**environment_of_test_run(), **names})

    def test_changes_policies_by_name(self):
        values = self.given(RATELIMIT_POLICIES='[{"name": "sign-in", "limit": 20}]', RATELIMIT_ENABLED="false")
        assert values.RATELIMIT_POLICIES == [{"name": "sign-in", "limit": 20}]
        assert values.RATELIMIT_ENABLED is False

    @pytest.mark.parametrize("text", ["{", '{"name": "a"}', "[1]", '"x"'])
    def test_is_refused_where_it_is_no_list_of_objects(self, text):
        with pytest.raises(ConfigurationError, match="RATELIMIT_POLICIES must be a JSON list"):
            self.given(RATELIMIT_POLICIES=text)

    def test_may_not_switch_limits_off_in_production(self):
        with pytest.raises(ConfigurationError, match="RATELIMIT_ENABLED must be true") as refusal:
            self.given(CEDRINA_ENV="production", RATELIMIT_ENABLED="no", RATELIMIT_PROFILE="development")
        assert "RATELIMIT_PROFILE must not be development" in refusal.value.text


class TestCaller:
    @pytest.mark.django_db
    def test_is_known_by_the_signature_alone(self, django_assert_num_queries):
        user = UserFactory(tier="pro")
        token = open_session(user=user).access_token
        request = RequestFactory().get("/", headers={"Authorization": f"Bearer {token}"})
        with django_assert_num_queries(0):
            caller = rate_limit_hooks.caller_from_token(request)
        assert (caller.user, caller.tier) == (str(user.pk), "pro")

    @pytest.mark.django_db
    def test_is_a_service_client_by_its_token(self, client, django_assert_num_queries):
        made = register()
        response = post(
            client, "/oauth/token", {"grant_type": "client_credentials"}, headers=basic(made.client.pk, made.secret)
        )
        token = response.json()["access_token"]
        request = RequestFactory().get("/", headers={"Authorization": f"Bearer {token}"})
        with django_assert_num_queries(0):
            assert rate_limit_hooks.caller_from_token(request).user == f"client:{made.client.pk}"

    @pytest.mark.parametrize("header", ["Bearer x", "Bearer", "Basic x", ""])
    def test_is_nobody_without_a_token_of_ours(self, header):
        assert (
            rate_limit_hooks.caller_from_token(RequestFactory().get("/", headers={"Authorization": header})).user
            is None
        )


class TestKeys:
    @pytest.mark.parametrize("content_type", ["application/x-www-form-urlencoded", MULTIPART_CONTENT])
    def test_are_found_in_forms(self, content_type):
        form = {"email": " Ada@Example.com "}
        body = urlencode(form) if "urlencoded" in content_type else encode_multipart(BOUNDARY, form)
        request = RequestFactory().generic("POST", "/account/forgot-password", body, content_type)
        assert rate_limit_hooks.account_key(request) == "ada@example.com"

    def post(self, body):
        return RequestFactory().post("/api/v1/auth/login", body, content_type="application/json")

    @pytest.mark.django_db
    def test_are_found_in_bodies(self):
        pair = open_session()
        assert rate_limit_hooks.account_key(self.post({"email": "Ada@Example.com"})) == "ada@example.com"
        body = self.post({"refresh_token": pair.refresh_token})
        assert rate_limit_hooks.family_key(body) == family_of(pair).family_id.hex
        form = RequestFactory().post(
            "/oauth/token", urlencode({"refresh_token": pair.refresh_token}), "application/x-www-form-urlencoded"
        )
        assert rate_limit_hooks.family_key(form) == family_of(pair).family_id.hex
        assert rate_limit_hooks.family_key(RequestFactory().post("/oauth/token", {})) is None

    @pytest.mark.parametrize(
        ("address", "network"),
        [("203.0.113.9", "203.0.113.0/24"), ("2001:db8:1:2345::9", "2001:db8:1::/48"), (None, "unknown")],
    )
    def test_are_networks_larger_than_an_address(self, address, network):
        request = RequestFactory().get("/")
        request.client_ip = address
        assert rate_limit_hooks.network_key(request) == network

    @pytest.mark.parametrize(
        "body",
        [
            "",
            "{",
            "[]",
            "null",
            '{"email": 5, "refresh_token": {}}',
            '{"email": ""}',
            "[" * 5000,
            '{"refresh_token": "cdr_forged"}',
            json.dumps({"email": "x" * 300}),
        ],
    )
    def test_are_none_in_junk(self, body):
        assert rate_limit_hooks.account_key(self.post(body)) is None
        assert rate_limit_hooks.family_key(self.post(body)) is None


class TestMe:
    @pytest.mark.django_db
    def test_still_costs_one_statement(self, django_assert_num_queries):
        token = open_session().access_token
        Client().get("/api/v1/auth/me", headers={"Authorization": f"Bearer {token}"})
        with django_assert_num_queries(1):
            answer = Client().get("/api/v1/auth/me", headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == 200
        assert answer["RateLimit-Policy"].startswith('"user"')


class TestSockets:
    def handshake(self, headers=()):
        import asyncio

        async def inner(scope, receive, send):
            await receive()
            await send({"type": "websocket.accept"})

        async def run():
            scope = {"type": "websocket", "path": "/ws/health/", "headers": list(headers), "client": ("203.0.113.7", 1)}
            socket = ApplicationCommunicator(WebSocketRateLimitMiddleware(inner), scope)
            await socket.send_input({"type": "websocket.connect"})
            sent = [await socket.receive_output(timeout=60)]
            if not await socket.receive_nothing():
                sent.append(await socket.receive_output(timeout=60))
            return sent

        return asyncio.run(run())

    def test_are_accepted_and_closed_when_there_are_too_many(self):
        with override_settings(RATELIMITING=_with([document(limit=1)])):
            assert self.handshake() == [{"type": "websocket.accept"}]
            forged = [(b"x-forwarded-for", b"198.51.100.1")]
            assert self.handshake(forged) == [{"type": "websocket.accept"}, {"type": "websocket.close", "code": 4429}]
