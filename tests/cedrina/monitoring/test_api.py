"""Who may read figures and health, and what the answers are."""

import pytest
from django.test import Client
from prometheus_client.parser import text_string_to_metric_families
from rest_framework.test import APIClient

from tests.factories.accounts import UserFactory
from tests.factories.service_clients import basic, post, register
from tests.factories.tokens import open_session
from tests.problem_shape import assert_problem

pytestmark = pytest.mark.django_db
METRICS, HEALTH, JSON = "/metrics", "/api/v1/health", "/api/v1/metrics"
PROMETHEUS_ACCEPTS = "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75"
SCRAPER, STRANGER, PROXY = "10.9.8.7", "203.0.113.9", "172.30.87.10"


@pytest.fixture(autouse=True)
def _networks(settings):
    settings.MONITORING = {**settings.MONITORING, "ALLOWED_NETWORKS": ("10.9.8.0/24", "127.0.0.0/8", "172.30.0.0/16")}


def bearer(user):
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {open_session(user=user).access_token}")
    return client


def get(path, *, peer=SCRAPER, client=None, **headers):
    return (client or Client()).get(path, REMOTE_ADDR=peer, headers=headers)


class TestByAddress:
    @pytest.mark.parametrize("path", [METRICS, HEALTH])
    def test_is_for_named_networks_without_a_token(self, path):
        assert get(path).status_code == 200
        assert_problem(get(path, peer=STRANGER), status=401, code="authentication_required")

    def test_is_not_for_the_json_of_figures(self):
        assert_problem(get(JSON), status=401, code="authentication_required")

    @pytest.mark.attack("OWASP ASVS 5.0, 4.1.3")
    @pytest.mark.parametrize(
        "trace",
        [
            {"X-Forwarded-For": STRANGER},
            {"X-Forwarded-For": "10.9.8.7"},
            {"Forwarded": "for=10.9.8.7"},
            {"Via": "1.1 proxy"},
            {"X-Real-IP": STRANGER},
            {"X-Forwarded-Host": "id.example.org"},
        ],
    )
    def test_trusts_no_proxy_that_is_not_named(self, settings, trace):
        settings.RATELIMITING = {**settings.RATELIMITING, "TRUSTED_PROXIES": []}
        assert_problem(get(METRICS, peer="127.0.0.1", **trace), status=401, code="authentication_required")

    @pytest.mark.attack("OWASP ASVS 5.0, 4.1.3")
    def test_is_judged_by_the_client_behind_a_named_proxy(self, settings):
        settings.RATELIMITING = {**settings.RATELIMITING, "TRUSTED_PROXIES": [PROXY]}
        through = {"peer": PROXY}
        assert get(METRICS, **through, **{"X-Forwarded-For": SCRAPER, "X-Real-IP": SCRAPER}).status_code == 200
        for header in (STRANGER, f"{SCRAPER}, {STRANGER}", "nonsense", f"{SCRAPER}, nonsense"):
            answer = get(METRICS, **through, **{"X-Forwarded-For": header})
            assert_problem(answer, status=401, code="authentication_required")

    @pytest.mark.attack("CWE-350, DNS rebinding")
    def test_answers_under_the_name_of_a_machine_and_under_no_foreign_one(self):
        for host in ("web:8000", "10.9.8.1:8000", "[::1]:8000", "localhost"):
            assert get(METRICS, Host=host).status_code == 200, host
        for host in ("attacker.example", "attacker.example:8000", "web.attacker.example", "a" * 300):
            assert_problem(get(METRICS, Host=host), status=400, code="malformed_request")
        assert_problem(get("/api/v1/auth/me", Host="web:8000"), status=400, code="malformed_request")


class TestByToken:
    @pytest.mark.parametrize("path", [METRICS, HEALTH, JSON])
    def test_is_for_administrators_and_clients_with_the_scope(self, path):
        assert get(path, peer=STRANGER, client=bearer(UserFactory(admin=True))).status_code == 200
        assert_problem(get(path, peer=STRANGER, client=bearer(UserFactory())), status=403, code="permission_denied")
        assert_problem(
            get(path, peer=STRANGER, client=bearer(UserFactory(is_staff=True))), status=403, code="permission_denied"
        )

    def test_serves_prometheus_by_client_credentials(self):
        made = register(name="prometheus", scopes=["metrics:read"])
        answer = post(
            APIClient(),
            "/oauth/token",
            {"grant_type": "client_credentials"},
            headers=basic(str(made.client.pk), made.secret),
        )
        token = answer.json()["access_token"]
        found = get(METRICS, peer=STRANGER, Authorization=f"Bearer {token}")
        assert found.status_code == 200

    def test_refuses_a_wrong_token_from_a_named_network_too(self):
        assert_problem(get(METRICS, Authorization="Bearer abc"), status=401, code="invalid_token")


class TestTheText:
    def test_is_in_the_format_of_prometheus_whatever_is_accepted(self):
        for accepted in (PROMETHEUS_ACCEPTS, "application/json", "text/html"):
            answer = get(METRICS, Accept=accepted)
            assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
            families = {family.name for family in text_string_to_metric_families(answer.content.decode())}
            assert {"cedrina_http_requests", "cedrina_build_info", "cedrina_health_check"} <= families

    def test_refuses_other_methods_as_a_problem(self):
        assert_problem(Client().post(METRICS, REMOTE_ADDR=SCRAPER), status=405, code="method_not_allowed")


class TestTheJson:
    def test_has_the_figures_of_the_text(self):
        found = get(JSON, client=bearer(UserFactory(admin=True))).json()["results"]
        text = get(METRICS).content.decode()
        names = {family["name"] for family in found}
        assert {"cedrina_refreshes_total", "cedrina_sessions_active", "cedrina_http_request_seconds"} <= names
        for name in names:
            assert f"# HELP {name} " in text
        sessions = next(family for family in found if family["name"] == "cedrina_sessions_active")
        assert sessions["samples"] == [{"name": "cedrina_sessions_active", "labels": {}, "value": 1.0}]


class TestHealth:
    def test_names_each_part_with_status_and_time(self):
        found = get(HEALTH).json()
        assert set(found) == {"status", "checks", "version"}
        assert {"database", "replica", "cache", "channels", "mail", "jobs", "keys", "audit_trail", "disk"} <= set(
            found["checks"]
        )
        for part in found["checks"].values():
            assert set(part) == {"status", "latency_ms", "detail"}
