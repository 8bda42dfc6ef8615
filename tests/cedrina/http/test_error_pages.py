"""Errors in a browser: pages with what to do; and the same errors for programs: problems."""

import re

import pytest
from django.template import TemplateDoesNotExist
from django.test import Client, override_settings

from cedrina.http import error_pages, request_limits
from tests.problem_shape import INTERNALS, Answer, assert_problem

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
ONE_A_MINUTE = [{"name": "all", "limit": 1, "window": 60, "scope": ["ip"]}]


@pytest.fixture
def client():
    with override_settings(ROOT_URLCONF="tests.cedrina.http.urls_with_faults"):
        yield Client(raise_request_exception=False)


def assert_page(response, *, status, says):
    """Check every promise about an error that a person sees; return the page."""
    answer = Answer.of(response)
    page = answer.body.decode()
    assert answer.status == status
    assert answer.headers["content-type"].startswith("text/html")
    assert says in page
    assert answer.headers["x-correlation-id"] in page
    assert 'href="/"' in page
    assert {"Accept", "Accept-Language"} <= set(re.split(r",\s*", answer.headers["vary"]))
    assert "no-store" in answer.headers["cache-control"]
    policy = answer.headers["content-security-policy"]
    assert "style-src 'self'" in policy
    assert "unsafe" not in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert not re.search(r"<script|<style| style=| on[a-z]+=", page)
    assert not INTERNALS.search(page)
    return page


class TestPages:
    @pytest.mark.parametrize(
        ("path", "status", "says"),
        [
            ("/nonsense", 404, "Check the address"),
            ("/account/nonsense", 404, "Check the address"),
            ("/static/nonsense.css", 404, "Check the address"),
            ("/suspicion", 400, "Go back and try again"),
            ("/refusal", 403, "Sign in with an account that may do this"),
            ("/bug", 500, "tell the operator of this service the reference"),
            ("/outage", 503, "Try again in a moment."),
        ],
    )
    def test_say_what_to_do(self, client, path, status, says):
        response = client.get(path, headers={"Accept": BROWSER})
        page = assert_page(response, status=status, says=says)
        assert "the secret of the bug" not in page
        assert (response.headers.get("Retry-After") == "2") == (status == 503)

    def test_answer_a_method_that_does_not_apply(self, client):
        for path in ("/", "/account/forgot-password"):
            response = client.delete(path, headers={"Accept": BROWSER})
            assert_page(response, status=405, says="use its buttons")
            assert "GET" in response["Allow"]
            assert "OPTIONS" not in response["Allow"]

    def test_answer_a_form_without_its_token(self):
        client = Client(enforce_csrf_checks=True)
        response = client.post("/admin/login/", headers={"Accept": BROWSER})
        assert_page(response, status=403, says="Go back, reload the page and send the form again.")

    def test_answer_a_host_that_is_not_served(self, client):
        response = client.get("/nonsense", headers={"Accept": BROWSER, "Host": "evil.example"})
        assert "evil" not in assert_page(response, status=400, says="Go back and try again")

    @pytest.mark.parametrize("path", ["/nonsense", "/"])
    def test_answer_too_many_requests_with_the_time_to_wait(self, settings, path):
        settings.RATELIMITING = {**settings.RATELIMITING, "POLICIES": ONE_A_MINUTE, "OVERRIDES": []}
        client = Client()
        for _ in range(2):
            response = client.get(path, headers={"Accept": BROWSER})
        assert_page(response, status=429, says=f"You can try again in {response['Retry-After']} second")
        assert "RateLimit-Policy" in response.headers

    @pytest.mark.attack("CWE-79")
    @pytest.mark.parametrize("path", ["/<script>alert(1)</script>", "/%3Cscript%3Ealert(1)%3C/script%3E", "/'onload='"])
    def test_repeat_nothing_of_the_path(self, client, path):
        assert "alert" not in assert_page(client.get(path, headers={"Accept": BROWSER}), status=404, says="Check")

    @pytest.mark.parametrize(("language", "direction"), [("es", "ltr"), ("fa", "rtl"), ("ar", "rtl")])
    def test_are_in_the_language_of_the_browser(self, client, language, direction):
        headers = {"Accept": BROWSER, "Accept-Language": language}
        page = client.get("/nonsense", headers=headers).content.decode()
        assert f'<html lang="{language}" dir="{direction}"' in page
        assert "Check the address" not in page

    def test_become_problems_when_their_template_fails(self, client, settings, caplog):
        """A project may replace the template, and must see its error in the log, not in the answer."""
        engine = {**settings.TEMPLATES[0], "DIRS": [], "APP_DIRS": False}
        settings.TEMPLATES = [engine]
        assert_problem(client.get("/nonsense", headers={"Accept": BROWSER}), status=404, code="not_found")
        assert any(record.exc_info and record.exc_info[0] is TemplateDoesNotExist for record in caplog.records)


class TestProblems:
    @pytest.mark.parametrize("accept", [BROWSER, "*/*", "application/json", ""])
    @pytest.mark.parametrize("path", ["/api/v1/nonsense", "/api/nonsense", "/.well-known/nonsense", "/api/v1/bug"])
    def test_are_what_every_client_of_the_api_gets(self, client, path, accept):
        assert_problem(client.get(path, headers={"Accept": accept}))

    @pytest.mark.parametrize("accept", ["*/*", "application/json", "application/json, text/plain, */*", "image/png"])
    def test_are_what_programs_get_elsewhere(self, client, accept):
        response = client.get("/nonsense", headers={"Accept": accept})
        assert_problem(response, status=404, code="not_found")
        assert "Accept" in re.split(r",\s*", response["Vary"])

    @pytest.mark.parametrize("path", ["/account/nonsense", "/static/nonsense.css", "/bug"])
    def test_are_what_programs_that_ask_for_json_get_from_pages(self, client, path):
        assert_problem(client.get(path, headers={"Accept": "application/json"}))


class TestRefusalsBeforeDjango:
    def refusal(self, code, path, accept):
        environ = {"PATH_INFO": path, "HTTP_ACCEPT": accept, "HTTP_X_CORRELATION_ID": "my-own-id"}
        status, headers, body = request_limits.refusal_response(code, environ)
        answer = Answer(status, {name.lower(): value for name, value in headers}, body)
        assert answer.headers["connection"] == "close"
        assert answer.headers["content-length"] == str(len(body))
        return answer

    @pytest.mark.parametrize("code", sorted(error_pages.ADVICE.keys() | {"request_timeout", "payload_too_large"}))
    def test_are_pages_for_browsers(self, code):
        answer = self.refusal(code, "/admin/login/", BROWSER)
        assert answer.headers["content-type"].startswith("text/html")
        assert "my-own-id" in answer.body.decode()
        assert "style-src 'self'" in answer.headers["content-security-policy"]
        assert answer.headers["vary"] == "Accept, Accept-Language"
        assert answer.headers["referrer-policy"] == "same-origin"

    def test_keep_the_secret_of_a_mailed_link_from_other_sites(self):
        answer = self.refusal("request_timeout", "/account/reset-password/secret", BROWSER)
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert b"secret" not in answer.body

    @pytest.mark.parametrize(
        ("path", "accept"), [("/api/v1/auth/login", BROWSER), ("/nonsense", "*/*"), ("/admin/", "application/json")]
    )
    def test_are_problems_for_programs(self, path, accept):
        assert_problem(self.refusal("payload_too_large", path, accept), status=413, code="payload_too_large")
