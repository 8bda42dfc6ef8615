"""The headers of every response."""

import re

import pytest
from django.http import HttpResponse
from django.test import Client, RequestFactory, override_settings

from cedrina.http.middleware import RequestMiddleware
from tests.problem_shape import assert_problem

UUID7 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}")


def get(path, **headers):
    return Client(raise_request_exception=False).get(path, headers=headers)


class TestCorrelationId:
    @pytest.mark.parametrize("kept", ["abcdefgh", "A.b_c-9.", "x" * 64])
    def test_keeps_a_good_one(self, kept):
        assert get("/livez", **{"X-Correlation-ID": kept})["X-Correlation-ID"] == kept

    @pytest.mark.parametrize("bad", ["short", "x" * 65, "has space in", "ümlaut-umlaut", "a" * 8 + "\n", "<script>abc"])
    def test_makes_one_instead_of_a_bad_one(self, bad):
        assert UUID7.fullmatch(get("/livez", **{"X-Correlation-ID": bad})["X-Correlation-ID"])

    def test_is_the_same_in_the_problem(self):
        answer = get("/nowhere", **{"X-Correlation-ID": "my-own-id"})
        assert answer.json()["correlation_id"] == "my-own-id"


class TestHeaders:
    def test_of_programs(self):
        answer = get("/livez")
        assert answer["Cache-Control"] == "no-store"
        assert answer["Referrer-Policy"] == "no-referrer"
        assert answer["Cross-Origin-Opener-Policy"] == "same-origin"
        assert "camera=()" in answer["Permissions-Policy"]
        assert "Strict-Transport-Security" not in answer.headers
        assert not answer.cookies

    @override_settings(SECURE_HSTS_SECONDS=60, SECURE_HSTS_INCLUDE_SUBDOMAINS=True)
    def test_ask_for_tls_where_it_is_on(self):
        assert get("/livez")["Strict-Transport-Security"] == "max-age=60; includeSubDomains"

    @pytest.mark.django_db
    def test_of_pages(self):
        answer = get("/admin/login/")
        policy = answer["Content-Security-Policy"]
        assert answer.status_code == 200
        assert "script-src 'self'" in policy
        assert "unsafe-inline" not in policy
        assert answer["X-Frame-Options"] == "DENY"
        assert "<script>" not in answer.content.decode()


class TestLanguage:
    @pytest.mark.parametrize(
        ("header", "language"),
        [("fa", "fa"), ("es-MX,en;q=0.5", "es"), ("de, ar;q=0.3", "ar"), ("de", "en"), ("*", "en"), ("x" * 5000, "en")],
    )
    def test_is_negotiated(self, header, language):
        assert get("/nowhere", **{"Accept-Language": header})["Content-Language"] == language

    def test_does_not_leak_into_the_next_request(self):
        get("/nowhere", **{"Accept-Language": "es"})
        assert get("/nowhere")["Content-Language"] == "en"


class TestHost:
    @pytest.mark.parametrize("host", ["evil.example", "localhost,evil.example", "a b"])
    def test_refuses_a_foreign_one(self, host):
        answer = get("/api/v1/auth/sessions", Host=host)
        assert_problem(answer, status=400, code="malformed_request")

    @pytest.mark.parametrize("host", ["localhost:8000", "127.0.0.1", "[::1]:80"])
    def test_knows_its_own(self, host):
        assert get("/api/v1/auth/sessions", Host=host).status_code == 401


class TestErrors:
    def test_are_problems_to_programs(self):
        assert_problem(get("/nowhere"), status=404, code="not_found")
        assert_problem(get("/api/v1/auth/login/"), status=404, code="not_found")
        answer = Client().post("/livez")
        assert_problem(answer, status=405, code="method_not_allowed")
        assert_problem(Client().options("/api/v1/auth/login"), status=405)
        assert "OPTIONS" not in Client().options("/api/v1/auth/login")["Allow"]

    @pytest.mark.django_db
    def test_are_pages_to_people(self):
        answer = get("/api/docs/nowhere")
        assert answer.status_code == 404
        assert answer["Content-Type"].startswith("text/html")
        assert answer["X-Correlation-ID"] in answer.content.decode()
        assert 'dir="rtl"' in get("/api/docs/nowhere", **{"Accept-Language": "fa"}).content.decode()

    @pytest.mark.django_db
    def test_of_a_forged_form_are_pages(self):
        answer = Client(enforce_csrf_checks=True).post("/admin/login/", {"username": "a", "password": "b"})
        assert answer.status_code == 403
        assert answer["Content-Type"].startswith("text/html")


@pytest.mark.attack("RFC 9110, 9.1")
class TestMethods:
    """Methods are case-sensitive: `get` is an unknown method."""

    @pytest.mark.parametrize("method", ["get", "Get", "post", "delete", "head", "FOO", "TRACE", "M" * 3000, "G\u00cbT"])
    @pytest.mark.parametrize("path", ["/livez", "/api/v1/auth/revoke", "/api/v1/auth/login", "/.well-known/jwks.json"])
    def test_that_are_unknown_are_not_allowed(self, method, path):
        answer = Client().generic("GET", path, REQUEST_METHOD=method)

        assert_problem(answer, status=405, code="method_not_allowed")
        assert not {"UNKNOWN", method} & set(answer["Allow"].split(", "))

    @pytest.mark.django_db
    @pytest.mark.parametrize("path", ["/admin/login/", "/account/forgot-password"])
    def test_that_are_unknown_change_nothing_on_pages(self, path):
        assert Client(enforce_csrf_checks=True).generic("GET", path, REQUEST_METHOD="post").status_code in (403, 405)

    def test_that_are_known_stay_what_they_are(self):
        assert Client().get("/livez").status_code == Client().head("/livez").status_code == 200


class TestCors:
    def test_is_closed_by_default(self):
        answer = Client().options(
            "/api/v1/auth/login",
            headers={"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"},
        )
        assert not [name for name in answer.headers if name.lower().startswith("access-control")]


class TestHealthChecks:
    """They address a container by its own address, which is no name of the installation."""

    @pytest.mark.parametrize("host", ["127.0.0.1:8000", "10.1.2.3", "anything.at.all", "not a host"])
    @override_settings(ALLOWED_HOSTS=["id.example.org"])
    @pytest.mark.django_db
    def test_are_answered_under_any_host(self, host):
        assert get("/livez", Host=host).status_code == 200
        assert get("/readyz", Host=host).status_code == 200

    @override_settings(ALLOWED_HOSTS=["id.example.org"])
    def test_open_no_other_path(self):
        for path in ("/livez/", "/livez/../api/v1/auth/me", "/api/v1/metrics", "/api/v1/auth/me"):
            assert_problem(get(path, Host="10.1.2.3"), status=400, code="malformed_request")


@pytest.mark.attack("CWE-348")
class TestForwardedProto:
    @pytest.fixture
    def seen(self, settings):
        """Say what a view would be told about the scheme."""
        settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
        settings.RATELIMITING = {**settings.RATELIMITING, "TRUSTED_PROXIES": ["10.0.0.1"]}

        def ask(peer):
            request = RequestFactory().get("/livez", REMOTE_ADDR=peer, headers={"X-Forwarded-Proto": "https"})
            schemes = []

            def view(request):
                schemes.append(request.scheme)
                return HttpResponse()

            RequestMiddleware(view)(request)
            return schemes[0]

        return ask

    def test_is_believed_of_a_trusted_proxy(self, seen):
        assert seen("10.0.0.1") == "https"

    @pytest.mark.parametrize("peer", ["10.0.0.2", "203.0.113.1", "", "nonsense"])
    def test_is_ignored_from_other_clients(self, seen, peer):
        assert seen(peer) == "http"
