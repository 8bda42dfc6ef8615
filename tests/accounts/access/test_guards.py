"""The guards of calls decide by roles, by what is known about the request, and by rules about service clients."""

import pytest
from django.core.cache import cache
from django.test import Client
from rest_framework.test import APIClient

from accounts.access.services import active_policy
from accounts.access.services.policy_changes import policy_change
from accounts.access.types import Author
from accounts.models import User
from accounts.rules.user_claims import roles_of
from tests.factories.accounts import PASSWORD, UserFactory
from tests.factories.service_clients import answer, basic, post, register
from tests.factories.tokens import open_session, sign_in_at_admin
from tokens.models import Session

pytestmark = pytest.mark.django_db
USERS = "/api/v1/admin/users"
READ_USERS = {"object": "permissions/users:read", "action": "use"}


@pytest.fixture(autouse=True)
def empty_cache():
    cache.clear()


@pytest.fixture
def rule(now):
    """Add a rule, and its role if there is none of its name."""

    def add(subject, effect="allow", **members):
        with policy_change(author=Author(), reason="because", now=now) as writer:
            if subject.startswith("role:"):
                writer.put_role(subject.removeprefix("role:"), {})
            writer.add_rule({"subject": subject, "effect": effect, **READ_USERS, **members})
        active_policy.refresh()

    return add


def status(user, amr=("pwd",), **extra):
    api = APIClient(**extra)
    api.credentials(HTTP_AUTHORIZATION=f"Bearer {open_session(user=user, amr=amr).access_token}")
    return api.get(USERS).status_code


def test_ask_when_the_second_factor_was_shown(rule):
    rule("role:clerk", conditions=[{"name": "factor_within", "arguments": {"seconds": 300}}])
    clerk = UserFactory(roles=["clerk"])
    assert status(clerk) == 403
    assert status(clerk, amr=("pwd", "otp", "mfa")) == 200


def test_ask_how_risky_the_sign_in_was(rule):
    rule("role:clerk", conditions=[{"name": "risk_below", "arguments": {"risk": 40}}])
    clerk = UserFactory(roles=["clerk"], raw_password=PASSWORD)
    browser = Client()
    sign_in_at_admin(browser, clerk)
    session = open_session(user=clerk)
    api = APIClient()
    api.credentials(HTTP_AUTHORIZATION=f"Bearer {session.access_token}")
    # A risk that is not known is no low risk.
    for risk, status_code in ((None, 403), (39, 200), (40, 403)):
        Session.objects.update(sign_in_risk=risk)
        assert api.get(USERS).status_code == status_code
        assert (browser.get("/admin/accounts/user/").status_code == 200) is (status_code == 200)
    asked = {"object": "permissions/users:read", "action": "use"}
    assert not api.post("/api/v1/authz/check", asked, format="json").json()["allowed"]


def test_know_the_risk_that_the_sign_in_had(events):
    user = UserFactory(raw_password=PASSWORD)
    body = {"username": user.username, "password": PASSWORD}
    assert APIClient().post("/api/v1/auth/login", body, format="json").status_code == 200
    session = Session.objects.get(user=user)
    assert session.sign_in_risk is not None
    assert session.sign_in_risk == events("authentication.login_succeeded").get().risk_score


def test_ask_from_where_the_request_comes(rule):
    rule("role:clerk", conditions=[{"name": "network", "arguments": {"networks": ["192.0.2.0/24"]}}])
    clerk = UserFactory(roles=["clerk"])
    assert status(clerk) == 403
    assert status(clerk, REMOTE_ADDR="192.0.2.7") == 200


def test_ask_nothing_of_the_database_but_the_session(django_assert_max_num_queries):
    api = APIClient()
    api.credentials(HTTP_AUTHORIZATION=f"Bearer {open_session(user=UserFactory(roles=['support'])).access_token}")
    assert api.get(USERS).status_code == 200  # the process has read the policy by now
    with django_assert_max_num_queries(12) as found:
        assert api.get(USERS).status_code == 200
    assert [query["sql"] for query in found.captured_queries if "access_" in query["sql"]] == []


class TestServiceClients:
    def token(self, made):
        body = {"grant_type": "client_credentials"}
        answered = post(Client(), "/oauth/token", body, headers=basic(made.client.pk, made.secret))
        return answer(answered)[1]["access_token"]

    def events(self, token):
        return Client().get("/api/v1/admin/security-events", headers={"Authorization": f"Bearer {token}"}).status_code

    def test_may_do_what_their_scopes_name_unless_a_rule_denies_it(self, rule):
        made = register(scopes=["events:read"])
        token = self.token(made)
        assert self.events(token) == 200

        rule(f"client:{made.client.pk}", "deny", object="permissions/events:read")

        assert self.events(token) == 403

    def test_introspect_no_more_when_a_rule_denies_it(self, rule):
        made = register(scopes=["tokens:introspect"])
        asked = {"token": open_session().access_token}
        headers = basic(made.client.pk, made.secret)
        assert answer(post(Client(), "/oauth/introspect", asked, headers=headers))[1]["active"] is True

        rule(f"client:{made.client.pk}", "deny", object="permissions/tokens:introspect")

        assert answer(post(Client(), "/oauth/introspect", asked, headers=headers))[1] == {"active": False}


def test_tokens_and_profiles_name_roles_but_no_permissions(now):
    user = User(role_grants=f"clerk users:read admin@{int(now.timestamp())} auditor")
    assert roles_of(user) == ["auditor", "clerk"]
