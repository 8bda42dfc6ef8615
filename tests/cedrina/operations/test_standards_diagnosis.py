"""What doctor says of people, other machines, ages and terms."""

from datetime import timedelta

import pytest
from django.utils import timezone

from cedrina.operations import standards_diagnosis as diagnosis
from tests.factories.accounts import UserFactory
from tokens.models import SigningKey

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _in_production(settings):
    settings.ENVIRONMENT = "production"
    settings.PUBLIC_URL = "https://id.example.org"


def ids(diagnostic, *, now=None):
    return [finding.id for finding in diagnostic(now or timezone.now())]


class TestAdministrators:
    def test_are_found_when_a_password_alone_suffices(self):
        UserFactory(admin=True, is_mfa_enabled=True)
        UserFactory(admin=True, is_active=False)
        UserFactory()
        assert ids(diagnosis.administrators) == []
        UserFactory(is_staff=True)
        UserFactory(admin=True)
        [finding] = diagnosis.administrators(timezone.now())
        assert finding.id == "accounts.administrators_without_second_factor"
        assert "2" in finding.problem


class TestMonitoring:
    @pytest.mark.parametrize("networks", [("0.0.0.0/0",), ("::/0",), ("10.0.0.0/8", "8.8.8.0/24")])
    def test_is_found_when_it_is_open_to_public_addresses(self, settings, networks):
        settings.MONITORING = {**settings.MONITORING, "ALLOWED_NETWORKS": networks}
        assert ids(diagnosis.monitoring) == ["monitoring.open_networks"]

    @pytest.mark.parametrize("networks", [(), ("127.0.0.0/8", "::1/128"), ("172.30.87.20/32", "fd00::/8")])
    def test_is_right_for_machines_of_ones_own(self, settings, networks):
        settings.MONITORING = {**settings.MONITORING, "ALLOWED_NETWORKS": networks}
        assert ids(diagnosis.monitoring) == []


class TestPlainConnections:
    @pytest.mark.parametrize(
        ("host", "expected"),
        [
            ("db.example.org", True),
            ("10.0.0.7", True),
            ("2001:db8::7", True),
            ("postgres", False),
            ("localhost", False),
            ("127.0.0.1", False),
            ("/run/postgresql", False),
            ("", False),
        ],
    )
    def test_know_which_hosts_are_other_machines(self, host, expected):
        assert diagnosis.is_elsewhere(host) is expected

    def test_are_found_for_each_service(self, settings, monkeypatch):
        database = settings.DATABASES["default"]
        monkeypatch.setitem(database, "HOST", "db.example.org")
        monkeypatch.setitem(database, "OPTIONS", {"sslmode": "prefer"})
        settings.RATELIMITING = {**settings.RATELIMITING, "REDIS_URL": "redis://:secret@redis.example.org/0"}
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_USE_TLS, settings.EMAIL_USE_SSL = "mail.example.org", False, False
        endpoint = "http://collector.example.org:4318/v1/traces"
        settings.MONITORING = {**settings.MONITORING, "TRACES_ENDPOINT": endpoint}
        [finding] = diagnosis.plain_connections(timezone.now())
        assert finding.problem.endswith("DATABASE_URL, REDIS_URL, EMAIL_URL, OTEL_EXPORTER_OTLP_ENDPOINT.")
        settings.MONITORING = {**settings.MONITORING, "TRACES_ENDPOINT": endpoint.replace("http:", "https:")}
        monkeypatch.setitem(database, "OPTIONS", {"sslmode": "verify-full"})
        settings.RATELIMITING = {**settings.RATELIMITING, "REDIS_URL": "rediss://:secret@redis.example.org/0"}
        settings.EMAIL_USE_TLS = True
        assert ids(diagnosis.plain_connections) == []


class TestTerms:
    def test_of_sessions_end_after_thirty_days(self, settings):
        settings.TOKENS = {**settings.TOKENS, "SESSION_ABSOLUTE_TTL": timedelta(days=30)}
        assert ids(diagnosis.session_terms) == []
        settings.TOKENS = {**settings.TOKENS, "SESSION_ABSOLUTE_TTL": timedelta(days=31)}
        assert ids(diagnosis.session_terms) == ["sessions.long"]

    def test_of_passwords_are_those_of_a_single_factor(self, settings):
        settings.ACCOUNTS = {**settings.ACCOUNTS, "PASSWORD_MIN_LENGTH": 15}
        assert ids(diagnosis.password_length) == []
        settings.ACCOUNTS = {**settings.ACCOUNTS, "PASSWORD_MIN_LENGTH": 14}
        [finding] = diagnosis.password_length(timezone.now())
        assert not finding.is_wrong

    def test_of_signing_keys_end_after_a_year(self):
        now = timezone.now()
        SigningKey.objects.update(activated_at=now - timedelta(days=366))
        assert ids(diagnosis.signing_key_age, now=now) == []
        assert ids(diagnosis.signing_key_age, now=now + timedelta(days=1)) == ["tokens.signing_key_old"]

    def test_of_logging_is_info(self, settings):
        assert ids(diagnosis.log_level) == []
        settings.LOGGING = {**settings.LOGGING, "LEVEL": "DEBUG"}
        assert ids(diagnosis.log_level) == ["logging.debug"]
