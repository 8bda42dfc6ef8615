"""The admin in Chromium, under the content security policy that it is served with."""

import json
import shutil

import pytest
from playwright.sync_api import sync_playwright

from tests import served
from tests.factories.factors import code_of

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
PAGES = ["accounts/user", "tokens/session", "tokens/tokenfamily", "tokens/signingkey", "security_events/securityevent"]

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium was found"),
]


@pytest.fixture(scope="module")
def server():
    with served.database() as url, served.serving(database_url=url) as running:
        yield running


@pytest.fixture
def page():
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page()
        page.complaints = []
        page.on("console", lambda message: page.complaints.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: page.complaints.append(str(error)))
        yield page
        browser.close()


def sign_in(page, server, password, *, name="boss", recovery_code=None):
    page.goto(f"{server.url}/admin/")
    page.fill("#id_username", name)
    page.fill("#id_password", password)
    page.click("input[type=submit]")
    if recovery_code:
        page.fill("#id_code", recovery_code)
        page.click("input[type=submit]")
    page.wait_for_selector("#logout-form")


class TestOperator:
    def test_signs_in_looks_at_everything_and_closes_an_account(self, server, page):
        made = server.manage("create_admin", "--username", "boss", "--email", "boss@example.com", "--json")
        with server.client() as client:
            body = {"username": "mina", "email": "mina@example.com", "password": "violet harbour drum kite"}
            tokens = client.post("/auth/register", json=body).json()["tokens"]

        sign_in(page, server, json.loads(made)["password"])
        for path in PAGES:
            page.goto(f"{server.url}/admin/{path}/")
            page.click("#result_list tbody th a")
            page.wait_for_selector("#content h1, #content h2")
        page.goto(f"{server.url}/admin/accounts/user/?q=mina")
        page.check("input.action-select")
        page.select_option("select[name=action]", "deactivate")
        page.click("button[name=index]")
        page.fill("#id_reason", "left the company")
        page.click("input[type=submit].default")
        page.wait_for_selector(".messagelist .success")

        assert [text for text in page.complaints if "404" not in text] == []
        with server.client(headers={"Authorization": f"Bearer {tokens['access_token']}"}) as client:
            assert client.get("/auth/me").json()["code"] == "session_revoked"

    def test_with_a_second_factor_shows_it_on_a_page_of_its_own(self, server, page):
        made = server.manage("create_admin", "--username", "chief", "--email", "chief@example.com", "--json")
        password = json.loads(made)["password"]
        with server.client() as client:
            tokens = client.post("/auth/login", json={"username": "chief", "password": password}).json()["tokens"]
            client.headers["Authorization"] = f"Bearer {tokens['access_token']}"
            secret = client.post("/auth/mfa/totp").json()["secret"]
            answer = client.post("/auth/mfa/totp/activate", json={"code": code_of(secret)})
            codes = answer.json()["recovery_codes"]

        sign_in(page, server, password, name="chief", recovery_code=codes[0])

        assert page.url == f"{server.url}/admin/"
        assert page.complaints == []
