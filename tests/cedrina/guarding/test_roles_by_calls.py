"""Each shipped role, and nobody, at each call: refused exactly where the table says so."""

import re
import uuid

import pytest
from django.contrib import admin
from django.core.cache import cache
from django.test import Client
from django.urls import reverse
from rest_framework.test import APIClient

from accounts.access.known_permissions import KNOWN_PERMISSIONS
from cedrina.guarding import routes
from cedrina.guarding.checks import check_routes
from cedrina.guarding.routes import OWN, PUBLIC, GuardedRoute, guarded_routes, guarded_sockets
from tests.cedrina.guarding.permission_tables import ROLES, admin_pages, allows, operator_routes, shipped_policy
from tests.factories.accounts import PASSWORD, UserFactory
from tests.factories.tokens import open_session, sign_in_at_admin

pytestmark = [pytest.mark.django_db, pytest.mark.attack("OWASP ASVS 5.0, 8.2.1; CWE-862")]


ELSEWHERE = "203.0.113.9"  # figures are open to this machine


@pytest.fixture(autouse=True)
def production_without_limits(settings):
    cache.clear()
    settings.RATELIMITING = {**settings.RATELIMITING, "ENABLED": False}
    settings.ENVIRONMENT = "production"  # in development everybody may read the description of the API


def url_of(route):
    path = re.sub(r"<uuid:\w+>", str(uuid.uuid4()), route.path)
    return "/" + re.sub(r"<str:\w+>", "nothing", path)


def is_refused(answer):
    """Return whether the caller may not do this. A request that is wrong, or asks for a factor, is no refusal."""
    if answer.status_code != 403:
        return False
    return answer.headers["Content-Type"] != "application/problem+json" or answer.json()["code"] == "permission_denied"


@pytest.mark.parametrize("role", [*ROLES, "nothing"])
def test_a_role_may_call_what_the_table_says(role, now):
    policy = shipped_policy()
    user = UserFactory(roles=[] if role == "nothing" else [role])
    api = APIClient(REMOTE_ADDR=ELSEWHERE)
    api.credentials(HTTP_AUTHORIZATION=f"Bearer {open_session(user=user).access_token}")
    wrong = []
    for route in operator_routes():
        answer = getattr(api, route.method.lower())(url_of(route), {}, format="json")
        may = role in ROLES and allows(policy, role, route.needs, now)
        if is_refused(answer) is may:
            wrong.append((route, answer.status_code, may))
    assert wrong == []


def test_nobody_calls_what_needs_a_person():
    api = APIClient(REMOTE_ADDR=ELSEWHERE)
    guarded = [route for route in guarded_routes() if route.needs == OWN or route.needs in KNOWN_PERMISSIONS]
    answers = {route: getattr(api, route.method.lower())(url_of(route), {}, format="json") for route in guarded}
    assert len(answers) > 80
    assert {route for route, answer in answers.items() if answer.status_code not in (401, 404)} == set()
    # A route that does not exist for strangers would be 404; only those of development may be.
    assert {route for route, answer in answers.items() if answer.status_code == 404} == set()


@pytest.mark.parametrize("role", ROLES)
def test_a_role_sees_the_pages_of_the_admin_that_the_table_says(role, now):
    policy = shipped_policy()
    browser = Client()
    sign_in_at_admin(browser, UserFactory(roles=[role], raw_password=PASSWORD))
    wrong, pages = [], admin_pages()
    for model, page in admin.site._registry.items():
        may = any(allows(policy, role, name, now) for name in pages[model._meta.label_lower])
        if not hasattr(page, "changelist_view"):
            continue
        answer = browser.get(reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist"))
        if (answer.status_code == 200) is not may:
            wrong.append((model, answer.status_code, may))
    assert wrong == []


class TestTheStartUpCheck:
    def test_finds_nothing_here(self):
        assert check_routes() == []

    def test_finds_a_route_that_nobody_thought_about(self, monkeypatch):
        forgotten = [GuardedRoute("GET", "api/v1/forgotten", ""), GuardedRoute("GET", "api/v1/typo", "user:read")]
        monkeypatch.setattr(routes, "guarded_routes", lambda: [*forgotten, GuardedRoute("GET", "", PUBLIC)])
        assert [problem.msg.split()[1] for problem in check_routes()] == ["/api/v1/forgotten", "/api/v1/typo"]

    def test_reads_sockets_as_they_are_enforced(self):
        assert {route.path: route.needs for route in guarded_sockets()} == {
            "ws/health/": PUBLIC,
            "ws/account/": OWN,
            "ws/authz/": OWN,
            "ws/security-events/": "events:read",
            "ws/incidents/": "incidents:read",
        }
