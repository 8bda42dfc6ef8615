"""Where no view answers, and where views fail."""

import logging

import pytest
from django.test import Client, override_settings

from tests.problem_shape import assert_problem


@pytest.fixture
def client():
    with override_settings(ROOT_URLCONF="tests.cedrina.http.urls_with_faults"):
        yield Client(raise_request_exception=False)


class TestServerError:
    @pytest.mark.parametrize("path", ["/api/v1/bug", "/api/v1/view-bug"])
    def test_shows_nothing_and_is_logged_once(self, client, path, caplog):
        with caplog.at_level(logging.WARNING):
            answer = client.get(path)
        assert_problem(answer, status=500, code="internal_error", secrets=["the secret of the bug"])
        assert len([record for record in caplog.records if record.exc_info]) == 1

    def test_tells_an_outage_from_a_bug(self, client):
        assert_problem(client.get("/api/v1/outage"), status=503, code="service_unavailable")


class TestClientErrors:
    def test_are_problems(self, client):
        assert_problem(client.get("/api/v1/suspicion"), status=400, code="malformed_request")
        assert_problem(client.get("/api/v1/refusal"), status=403, code="permission_denied")
