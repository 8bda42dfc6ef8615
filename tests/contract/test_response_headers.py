"""The headers of every answer: those of security and of the limiter, and which answers depend on the language."""

import json
import re
from collections import Counter

import pytest
from django.db import transaction
from django.test import Client, override_settings
from rest_framework.test import APIClient

from cedrina.http import request_limits
from cedrina.http.problem_catalogue import PROBLEMS
from ratelimiting.api.headers import IETF_NAMES
from tests.described import calls, document, responses
from tests.factories.accounts import UserFactory
from tests.factories.tokens import open_session
from tokens.types import ClientContext

NO_DOCUMENT = "default-src 'none'; frame-ancestors 'none'"
PERSIAN = re.compile("[\u0600-\u06ff]")
FIREFOX = "Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
ACCEPTS = {"Accept-Language": "fa", "User-Agent": FIREFOX}


def varies(headers):
    return "accept-language" in headers.get("Vary", "").lower()


def assert_of_the_api(answer):
    assert answer.headers["Content-Security-Policy"] == NO_DOCUMENT
    assert bool(PERSIAN.search(answer.content.decode())) == varies(answer.headers), (answer.headers, answer.content)
    assert ("Content-Language" in answer.headers) == varies(answer.headers)


def assert_as_described(answer, call):
    """Check that an answer has the headers of the limiter, and that the document names them for its status."""
    described = responses(document()["paths"][call.template][call.method.lower()])
    named = {name for name in IETF_NAMES if name in described[str(answer.status_code)].get("headers", {})}
    assert {name for name in IETF_NAMES if name in answer.headers} == named == {*IETF_NAMES}


def answered(call, *, token=None, body=b"", method=None):
    """Make a call, and undo it."""
    headers = {**ACCEPTS, **({"Authorization": f"Bearer {token}"} if token else {}), **call.headers}
    with transaction.atomic():
        answer = APIClient().generic(method or call.method, call.path, body, "application/json", headers=headers)
        transaction.set_rollback(True)
    return answer


@pytest.fixture
def token(db):
    client = ClientContext(ip_address="203.0.113.7", user_agent=FIREFOX)
    return open_session(user=UserFactory(admin=True), client=client, amr=("pwd", "otp", "mfa")).access_token


@pytest.mark.slow
@pytest.mark.attack("ASVS 5.0, 3.4.3 and 3.4.6")
class TestEveryCall:
    @pytest.mark.parametrize("call", calls(), ids=lambda call: call.name)
    def test_of_the_document_carries_them_whatever_it_answers(self, call, token):
        bodies = [b"", b"{"] if call.example is None else [b"", b"{", json.dumps(call.example).encode()]
        for shown in (None, token, "junk"):
            for body in bodies:
                answer = answered(call, token=shown, body=body)
                assert_of_the_api(answer)
                if call.example is not None or not body:  # the document says nothing of a body that is not described
                    assert_as_described(answer, call)
        for method in ("FOO", "get", "OPTIONS"):
            assert_of_the_api(answered(call, token=token, method=method))

    def test_counts_both_kinds(self, token):
        """Not each answer is an error, and not each success is in words."""
        kinds = Counter(
            (answer.status_code < 400, varies(answer.headers))
            for answer in (answered(call, token=token) for call in calls() if call.method in ("GET", "DELETE"))
        )
        assert kinds[True, True] >= 1
        assert kinds[True, False] >= 8
        assert kinds[False, True] >= 1
        assert not kinds[False, False]

    @pytest.mark.parametrize("path", ["/nowhere", "/api/v1/nowhere", "/livez/", "/ADMIN/", "/%ff", "/api/v1/auth/me\0"])
    def test_of_no_call_carries_them(self, path):
        assert_of_the_api(Client(headers=ACCEPTS).get(path))

    @pytest.mark.django_db
    def test_of_whom_limits_refuse_carries_them(self, settings):
        policy = {"name": "all", "limit": 1, "window": 60, "scope": ["global"]}
        settings.RATELIMITING = {**settings.RATELIMITING, "POLICIES": [policy]}
        answers = [Client(headers=ACCEPTS).get("/livez") for _ in range(2)]
        assert [answer.status_code for answer in answers] == [200, 429]
        for answer in answers:
            assert_of_the_api(answer)

    @pytest.mark.django_db
    @override_settings(CORS_ALLOWED_ORIGINS=["https://app.example"])
    def test_of_the_schema_carries_them(self, client, settings):
        settings.ENVIRONMENT = "development"
        answer = Client(headers=ACCEPTS).get("/api/schema")
        assert answer.status_code == 200
        assert_of_the_api(answer)


class TestTheEdge:
    @pytest.mark.parametrize("code", PROBLEMS)
    def test_carries_what_django_s_answers_carry(self, code):
        environ = {"PATH_INFO": "/api/v1/auth/login", "HTTP_ACCEPT_LANGUAGE": "fa"}
        with override_settings(SECURE_HSTS_SECONDS=60, SECURE_HSTS_INCLUDE_SUBDOMAINS=True):
            headers = dict(request_limits.refusal_response(code, environ)[1])
            expected = Client().get("/livez").headers
        for name in (
            "X-Content-Type-Options",
            "X-Frame-Options",
            "Referrer-Policy",
            "Cross-Origin-Opener-Policy",
            "Permissions-Policy",
            "Content-Security-Policy",
            "Cache-Control",
        ):
            assert headers[name] == expected[name]
        assert headers["Strict-Transport-Security"] == "max-age=60; includeSubDomains"
        assert headers["Vary"] == "Accept-Language"


@pytest.mark.django_db
class TestPages:
    @pytest.mark.parametrize(
        "path", ["/", "/admin/login/", "/admin/nowhere", "/account/forgot-password", "/account/nowhere", "/admin/"]
    )
    def test_have_a_policy_of_their_own_and_depend_on_the_language(self, path):
        answer = Client(headers=ACCEPTS).get(path)
        assert "script-src 'self'" in answer["Content-Security-Policy"]
        assert "frame-ancestors 'none'" in answer["Content-Security-Policy"]
        assert varies(answer.headers)

    def test_do_not_where_they_are_files(self):
        answer = Client(headers=ACCEPTS).get("/static/admin/css/base.css")
        answer.close()
        assert answer.status_code == 200
        assert not varies(answer.headers)
        assert varies(Client(headers=ACCEPTS).get("/static/nowhere.css").headers)
