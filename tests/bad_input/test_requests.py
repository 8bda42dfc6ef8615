"""Junk in paths, queries, methods and headers."""

import pytest
from rest_framework.test import APIClient

from tests.described import calls
from tests.problem_shape import assert_acceptable, assert_problem

LOGIN = b'{"username": "a", "password": "b"}'


def name_of(value):
    return getattr(value, "name", value)


class TestAMethod:
    @pytest.mark.parametrize("template", sorted({call.template for call in calls()}))
    def test_that_is_not_described_is_refused(self, send, template):
        known = {call.method for call in calls() if call.template == template}
        path = next(call.path for call in calls() if call.template == template)
        for method in (
            "GET",
            "POST",
            "PUT",
            "PATCH",
            "DELETE",
            "OPTIONS",
            "TRACE",
            "CONNECT",
            "BREW",
            "get",
            "PROPFIND",
        ):
            if method in known or method.upper() in known:
                continue
            answer = send(method, path, b"{}")
            problem = assert_problem(answer, status=405, code="method_not_allowed")
            allowed = answer.headers["Allow"].split(", ")
            assert set(allowed) - {"HEAD"} == known, problem


class TestAPath:
    @pytest.mark.parametrize(
        "path",
        [
            "/api",
            "/api/v1",
            "/api/v1/",
            "/api/v1/auth",
            "/api/v1/auth/",
            "/api/v2/auth/login",
            "/favicon.ico",
            "/api/v1//auth/login",
            "//api/v1/auth/login",
            "/api/v1/auth//login",
            "/api/v1/auth/login/",
            "/api/v1/auth/me/",
            "/api/v1/auth/sessions/",
            "/livez/",
            "/.well-known/jwks.json/",
            "/api/v1/auth/login%2f",
            "/api/v1/auth/login%00",
            "/api/v1/auth/%00",
            "/api/v1/auth/sessions/%00",
            "/api/v1/auth/sessions/x",
            "/api/v1/auth/sessions/1",
            "/api/v1/auth/sessions/019B8D5A-4C1E-7A30-9F52-0D6F6B0F8A11/",
            "/api/v1/auth/sessions/019b8d5a4c1e7a309f520d6f6b0f8a11",
            "/api/v1/auth/sessions/' OR 1=1",
            "/%ff%fe",
            "/api/v1/../../etc/passwd",
            "/api/v1/auth/..%2f..%2fadmin",
            "/api/v1/auth/LOGIN",
            "/API/v1/auth/login",
            "/api/v1/auth/login;a=b",
            "/api/v1/auth/login%20",
            "/api/v1/auth/login%0d%0aX:%20y",
            "/" + "a" * 20_000,
            "/api/v1/auth/sessions/" + "a" * 8000,
            "/%F0%9F%92%A9",
            "/\u202e",
            "/api/v1/auth/login.json",
        ],
    )
    def test_that_leads_nowhere_is_not_found_and_never_redirected(self, send, path):
        for method in ("GET", "POST", "DELETE"):
            assert_problem(send(method, path, b"{}" if method == "POST" else b""), status=404, code="not_found")

    @pytest.mark.parametrize(
        "path", ["/api/v1%2fauth%2fme", "/api/v1/auth%2Fme", "/%61pi/v1/auth/me", "/api/v1/auth/m%65"]
    )
    def test_in_another_spelling_is_the_same_call_with_the_same_checks(self, send, path):
        assert_problem(send("GET", path, signed_in=False), status=401, code="authentication_required")
        assert send("GET", path).status_code == 200


class TestAQuery:
    JUNK = (
        "?",
        "?&&&",
        "?=",
        "?a",
        "?%00=%00",
        "?limit=%00",
        "?" + "a=b&" * 3000,
        "?limit[]=1",
        "?cursor=%ff",
        "?__proto__=1",
        "?format=api",
        "?format=html",
        "?" + "a" * 50_000,
        "?limit=1;cursor=2",
    )

    @pytest.mark.parametrize("call", [call for call in calls() if call.method == "GET"], ids=name_of)
    def test_of_junk_does_no_harm(self, send, call):
        for junk in self.JUNK:
            assert_acceptable(send(call.method, call.path + junk, signed_in=not call.is_public))

    @pytest.mark.parametrize(
        "query",
        [
            "limit=0",
            "limit=-1",
            "limit=201",
            "limit=x",
            "limit=",
            "limit=1e3",
            "limit=1.5",
            "limit=" + "9" * 6000,
            "limit=null",
            "limit=%D9%A1x",
            "cursor=x",
            "cursor=",
            "cursor=%00",
            "cursor='%20OR%201=1",
            "cursor=" + "a" * 9000,
            "page=2",
            "limit=%F0%9F%92%A9",
        ],
    )
    def test_of_a_list_is_checked(self, send, query):
        assert_problem(send("GET", f"/api/v1/auth/sessions?{query}"), status=422, code="validation_error")


class TestAHeader:
    @pytest.mark.parametrize(
        "accept", ["text/html", "application/xml", "image/*", "application/json;q=0", "x", "text/*"]
    )
    def test_that_accepts_no_json_is_refused(self, send, accept):
        for call in calls():
            if call.template in {
                "/livez",
                "/readyz",
                "/.well-known/audit-checkpoint",
            }:  # answer in text, whatever is asked
                continue
            answer = send(call.method, call.path, LOGIN, signed_in=not call.is_public, **call.headers, Accept=accept)
            assert_problem(answer, status=406, code="not_acceptable")

    @pytest.mark.parametrize(
        "accept",
        ["", "*/*", "application/*", "text/html, */*;q=0.1", "application/problem+json", ";;;,,,", "*/*;q=\u00e9"],
    )
    def test_that_accepts_anything_gets_json(self, send, accept):
        assert_acceptable(send("GET", "/api/v1/auth/me", Accept=accept))

    @pytest.mark.parametrize(
        "authorization",
        [
            "Bearer",
            "Bearer ",
            "Bearer  ",
            "Bearer a b",
            "Bearer \u00e9",
            "Bearer " + "a" * 20_000,
            "Bearer ..",
            "bearer x",
            "Bearer null",
            "Bearer eyJhbGciOiJub25lIn0.e30.",
            "Bearer " + "." * 5000,
            "Bearer \x00",
            "Bearer cdr_AAAA",
            "Bearer a,Bearer b",
            "Bearer\ta",
            "BEARER x",
            "Bearer {{7*7}}",
            "Bearer \u202e",
        ],
    )
    def test_of_authorization_that_is_no_token_of_ours_is_refused(self, send, authorization):
        for call in calls():
            if call.is_public:
                continue
            answer = send(call.method, call.path, b"{}", **call.headers, Authorization=authorization)
            problem = assert_problem(answer, status=401)
            assert problem["code"] in {"invalid_token", "authentication_required"}

    @pytest.mark.parametrize("authorization", ["", "Basic YTpi", "Digest x", "DPoP x", "x", "Bearerx", "Token a"])
    def test_of_another_scheme_is_no_token(self, send, authorization):
        answer = send("GET", "/api/v1/auth/me", Authorization=authorization)
        assert_problem(answer, status=401, code="authentication_required")

    def test_of_junk_authorization_changes_nothing_where_none_is_needed(self, send):
        for call in calls():
            if call.is_public and not call.takes_token:
                answer = send(call.method, call.path, b"{}", signed_in=False, Authorization="Bearer x.y.z")
                assert answer.status_code != 401 or answer.json()["code"] == "invalid_credentials"
                assert_acceptable(answer)

    def test_of_junk_authorization_is_refused_where_it_may_be_left_out(self, send):
        """An invalid token is refused: without one the response would be another (RFC 6750, 3.1)."""
        optional = [call for call in calls() if call.is_public and call.takes_token]
        templates = {call.template for call in optional}
        assert templates == {"/api/v1/auth/social/{provider}/authorize", "/api/v1/health"}
        for call in optional:
            for junk in ("Bearer x.y.z", "Bearer", "Bearer a b"):
                answer = send(call.method, call.path, b"{}", signed_in=False, Authorization=junk)
                assert_problem(answer, status=401, code="invalid_token")
            assert send(call.method, call.path, b"{}", signed_in=False).status_code != 401

    @pytest.mark.parametrize(
        "host", ["evil.example", "127.0.0.1.evil.example", "a b", "[::1", "x:y", "\u00e9", "a@b", ".."]
    )
    def test_of_another_host_is_refused(self, send, host):
        assert_problem(send("GET", "/api/v1/auth/me", Host=host), status=400, code="malformed_request")

    def test_of_another_host_never_stands_in_an_answer(self):
        answer = APIClient().get(
            "/.well-known/oauth-authorization-server", headers={"X-Forwarded-Host": "evil.example"}
        )
        assert answer.status_code == 200
        assert b"evil" not in answer.content

    # Those that no call reads go together: none of them can have a request refused and so hide what the others do.
    @pytest.mark.parametrize(
        "names",
        [
            "If-Match",
            "Accept-Language",
            "X-Correlation-ID",
            "X-Forwarded-For",
            "Forwarded",
            "User-Agent",
            "Cookie",
            "Content-Length",
            "X-Forwarded-Proto",
            "Origin",
            "X-HTTP-Method-Override, Range, Expect, Referer, If-None-Match, If-Modified-Since",
        ],
    )
    def test_of_junk_does_no_harm(self, send, names):
        for call in calls():
            for text in ("", "\x00", "\u00e9", "x" * 9000, 'a,b,,;;="', "-1", "9" * 400):
                if names == "Content-Length" and not (text.isascii() and text.isdigit()):
                    continue
                headers = {**call.headers, **dict.fromkeys(names.split(", "), text)}
                assert_acceptable(send(call.method, call.path, b"{}", signed_in=not call.is_public, **headers))

    def test_of_a_correlation_id_is_kept_only_when_it_is_one(self, send):
        for text in (
            "short",
            "x" * 65,
            "has space",
            "semi;colon",
            "\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9",
            "a\r\nb: c12345",
        ):
            answer = send("GET", "/api/v1/auth/me", **{"X-Correlation-ID": text})
            assert answer.headers["X-Correlation-ID"] != text
        assert (
            send("GET", "/livez", **{"X-Correlation-ID": "mine.12-34_ab"}).headers["X-Correlation-ID"]
            == "mine.12-34_ab"
        )
