"""What a limited client gets."""

import re
import time

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import Client

from ratelimiting.api.headers import NAMES
from ratelimiting.middleware import RateLimitMiddleware
from tests.factories.tokens import open_session
from tests.problem_shape import assert_problem
from tests.ratelimiting.policy_documents import document


def get(path="/livez", **options):
    return Client(raise_request_exception=False).get(path, **options)


class TestRefusal:
    def test_is_the_contract_s_problem_and_says_when_to_come_back(self, policies):
        policies(document(limit=1))
        get()
        answer = get()
        assert_problem(answer, status=429, code="rate_limited")
        assert 1 <= int(answer["Retry-After"]) <= 120  # the former window counts in part
        assert answer["X-RateLimit-Remaining"] == "0"

    def test_is_a_page_to_people(self, policies):
        policies(document(limit=1, scope=["global"]))
        get()
        answer = get("/admin/login/")
        assert answer.status_code == 429
        assert answer["Content-Type"].startswith("text/html")
        assert answer["Retry-After"]

    @pytest.mark.django_db
    def test_costs_no_statement(self, policies, django_assert_num_queries):
        policies(document(limit=1, scope=["global"]))
        token = open_session().access_token
        get()
        with django_assert_num_queries(0):
            for path in ("/api/v1/auth/me", "/admin/", "/api/docs", "/nowhere"):
                assert get(path, headers={"Authorization": f"Bearer {token}"}).status_code == 429


class TestHeaders:
    def test_stand_on_every_answer(self, policies):
        policies(document(limit=100))
        client = Client(raise_request_exception=False)
        answers = [
            get(),
            get("/nowhere"),
            client.post("/livez"),
            get("/api/v1/auth/me"),
            get("/api/v1/auth/login/"),
            client.post("/api/v1/auth/login", "{", content_type="application/json"),
            client.post("/api/v1/auth/login", "{}", content_type="text/plain"),
            get("/admin/login/x/y"),
        ]
        assert {answer.status_code for answer in answers} >= {200, 404, 405, 401, 400, 415}
        for answer in answers:
            assert all(name in answer.headers for name in NAMES), answer.status_code

    def test_are_those_of_the_draft_and_the_older_ones(self, policies):
        policies(document(name="sign-in", limit=10))
        answer = get()
        assert answer["RateLimit-Policy"] == '"sign-in";q=10;w=60'
        found = re.fullmatch(r'"sign-in";r=9;t=(\d+)', answer["RateLimit"])
        assert 0 < int(found[1]) <= 120
        assert (answer["X-RateLimit-Limit"], answer["X-RateLimit-Remaining"]) == ("10", "9")
        assert abs(int(answer["X-RateLimit-Reset"]) - time.time() - int(found[1])) < 60

    def test_say_nothing_of_an_account(self, policies):
        policies(
            document(name="mail-account", limit=1, scope=["account"], match={"routes": ["login"]}),
            document(name="address", limit=50),
            KEYS={"account": "cedrina.rate_limit_hooks.account_key"},
        )
        for address in ("ada@example.com", "nobody@example.com"):
            answers = [
                Client().post("/api/v1/auth/login", {"email": address}, content_type="application/json")
                for _ in range(2)
            ]
            assert [answer.status_code for answer in answers] == [422, 429]
            assert all("account" not in answer["RateLimit"] for answer in answers)

    def test_are_missing_where_nothing_is_limited(self, policies):
        policies()
        assert not any(name in get().headers for name in NAMES)


class TestStart:
    def test_is_refused_with_the_mistake(self, policies):
        policies(document(limit=0))
        with pytest.raises(ImproperlyConfigured, match="policy 'some', limit: must be a whole number"):
            RateLimitMiddleware(lambda _request: None)
