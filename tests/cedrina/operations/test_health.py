"""Alive, and ready."""

import pytest
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client

from cedrina.database.circuit_breaker import DatabaseCircuitBreaker
from cedrina.operations import health
from tests.problem_shape import assert_problem


@pytest.fixture(autouse=True)
def _fresh(monkeypatch):
    monkeypatch.setattr(health, "readiness", health.Readiness())


class TestLivez:
    def test_needs_no_database(self):
        assert Client().get("/livez").json() == {"status": "ok"}


@pytest.mark.django_db
class TestReadyz:
    def test_is_ready_with_all_migrations(self):
        assert Client().get("/readyz").json() == {"status": "ok"}

    def test_waits_for_migrations(self):
        MigrationRecorder(connection).migration_qs.filter(app="tokens").delete()
        answer = Client().get("/readyz")
        assert_problem(answer, status=503, code="service_unavailable")

    def test_waits_for_a_database_that_may_be_written_to(self):
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL transaction_read_only = on")
        assert_problem(Client().get("/readyz"), status=503, code="service_unavailable")

    def test_waits_for_siblings_that_do_not_reach_the_database(self, monkeypatch):
        siblings = DatabaseCircuitBreaker()
        monkeypatch.setattr(health, "circuit_breaker", siblings)
        siblings._shared[-1] = 1
        assert_problem(Client().get("/readyz"), status=503, code="service_unavailable")
        siblings._shared[-1] = 0
        assert Client().get("/readyz").status_code == 200

    def test_looks_at_migrations_once(self, django_assert_num_queries):
        Client().get("/readyz")
        with django_assert_num_queries(1):
            Client().get("/readyz")
