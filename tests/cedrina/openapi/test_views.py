"""Who may read the schema and its page."""

import json

import pytest
from django.test import Client, override_settings

from tests.described import plain
from tests.factories.accounts import UserFactory
from tests.factories.tokens import sign_in_at_admin
from tests.problem_shape import assert_problem

production = override_settings(ENVIRONMENT="production")


@pytest.mark.django_db
class TestSchema:
    def test_is_open_in_development(self):
        answer = Client().get("/api/schema", headers={"Accept": "application/json"})
        assert answer.status_code == 200
        assert json.loads(answer.content) == plain()
        assert len(answer.content) < 400_000  # no white space

    @production
    def test_is_closed_elsewhere(self):
        assert_problem(Client().get("/api/schema"), status=401, code="authentication_required")

    @production
    def test_requires_an_administrator(self):
        client = Client()
        sign_in_at_admin(client, UserFactory())
        assert client.get("/api/schema").status_code == 403

    @production
    def test_is_for_administrators(self):
        client = Client()
        sign_in_at_admin(client, UserFactory(admin=True))
        assert client.get("/api/schema").status_code == 200
        assert client.get("/api/docs", headers={"Accept": "text/html"}).status_code == 200


@pytest.mark.django_db
class TestPage:
    @production
    @pytest.mark.parametrize("accept", ["text/html", "*/*"])
    def test_says_to_people_where_to_sign_in(self, accept):
        answer = Client().get("/api/docs", headers={"Accept": accept})
        assert answer.status_code == 401
        assert answer["Content-Type"].startswith("text/html")
        assert answer["WWW-Authenticate"].startswith("Bearer")
        assert "Sign in to the administration" in answer.content.decode()

    @production
    def test_refuses_programs_as_the_api_does(self):
        answer = Client().get("/api/docs", headers={"Accept": "application/json"})
        assert_problem(answer, status=401, code="authentication_required")

    def test_needs_no_inline_script(self):
        answer = Client().get("/api/docs", headers={"Accept": "text/html"})
        text = answer.content.decode()
        assert answer.status_code == 200
        assert "<script>" not in text
        assert "<style" not in text
        script = Client().get("/api/docs?script=")
        assert script["Content-Type"].startswith("application/javascript")
        assert b"SwaggerUI" in script.content
