"""Junk sent to what people see in a browser: no page breaks, and none shows our insides."""

from urllib.parse import quote, urlencode

import pytest
from django.test import Client

from ratelimiting.algorithms.backoff import Backoff
from tests.bad_input.naughty import STRINGS
from tests.problem_shape import Answer, assert_discreet

FORM = "application/x-www-form-urlencoded"
PAGES = ("/admin/", "/admin/login/", "/api/docs", "/api/schema")


def assert_page_holds(answer, *, secrets=()):
    answer = Answer.of(answer)
    assert answer.status < 500, (answer.status, answer.body[:600])
    assert_discreet(answer, secrets=secrets)


@pytest.fixture
def browser(db):
    return Client(raise_request_exception=False, HTTP_ACCEPT="text/html")


AMPLE = Backoff(free=10_000, first=1, longest=1, forgiven_after=1)


@pytest.fixture
def unhurried(settings):
    """Switch off rate limits and the waits after wrong passwords."""
    settings.RATELIMIT_ENABLE = False
    settings.ACCOUNTS = {**settings.ACCOUNTS, "SIGN_IN_BACKOFF": dict.fromkeys(("account", "pair", "network"), AMPLE)}


@pytest.mark.usefixtures("unhurried")
class TestTheSignInOfTheAdministration:
    def test_takes_or_refuses_every_string(self, browser):
        for text in STRINGS.values():
            form = urlencode({"username": text, "password": "violet harbour drum kite"}, errors="surrogatepass")
            answer = browser.post("/admin/login/", form, content_type=FORM)
            assert_page_holds(answer, secrets=["violet harbour drum kite"])
            assert answer.status_code in (200, 400, 413)

    def test_takes_or_refuses_every_password(self, browser):
        for text in STRINGS.values():
            answer = browser.post("/admin/login/", urlencode({"username": "mina", "password": text}), content_type=FORM)
            assert_page_holds(answer)

    @pytest.mark.parametrize(
        "raw",
        [b"", b"&&&", b"=", b"username", b"%00=%00", b"username=%ff%fe", b"a" * 70_000, b"a=b&" * 5000, b"\xff\xfe"],
    )
    def test_survives_forms_of_junk(self, browser, raw):
        for content_type in (FORM, "multipart/form-data; boundary=x", "multipart/form-data", "application/json", ""):
            assert_page_holds(browser.post("/admin/login/", raw, content_type=content_type))


class TestAPage:
    @pytest.mark.parametrize("page", PAGES)
    def test_survives_a_query_of_junk(self, browser, page):
        for text in STRINGS.values():
            for name in ("next", "format", "lang", "version", "q", ""):
                assert_page_holds(browser.get(f"{page}?{name}={quote(text[:3000])}"))

    @pytest.mark.parametrize(
        "path",
        [
            "/admin",
            "/admin//",
            "/admin/x/",
            "/admin/%00/",
            "/admin/accounts/user/%00/change/",
            "/static/",
            "/static/%00",
            "/static/../manage.py",
            "/static/..%2fmanage.py",
            "/static/%2e%2e/manage.py",
            "/api/docs/",
            "/api/schema/",
            "/api/docs%00",
            "/admin/accounts/user/' OR 1=1/change/",
            "/static/" + "a" * 5000,
            "/static/\u202e",
        ],
    )
    def test_that_is_none_is_not_found_or_asks_to_sign_in(self, browser, path):
        answer = browser.get(path)
        assert_page_holds(answer)
        assert answer.status_code in (302, 404), answer.status_code
        assert b"CEDRINA_ENV" not in answer.content

    def test_never_leads_to_a_place_elsewhere(self, browser):
        for target in ("//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)"):
            answer = browser.get(f"/admin/?next={quote(target)}")
            assert answer.headers.get("Location", "/").startswith("/admin/login/")
