"""The admin in Chromium, under the content security policy that it is served with."""

import json

import pytest

from tests.accounts.admin.admin_browser import sign_in
from tests.clients.browser import CHROMIUM
from tests.factories.factors import code_of

PAGES = ["accounts/user", "tokens/session", "tokens/tokenfamily", "tokens/signingkey", "security_events/securityevent"]

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium was found"),
]


@pytest.fixture
def page(chromium):
    """A page of a browser profile of its own."""
    page = chromium.new_page()
    page.complaints = []
    page.on("console", lambda message: page.complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: page.complaints.append(str(error)))
    yield page
    page.close()  # and its profile with it


# Whether the first sign of what an element says stands to the left of the last one.
IS_LEFT_TO_RIGHT = """element => {
  const walker = document.createTreeWalker(element, NodeFilter.SHOW_TEXT, node =>
    node.data.trim() ? NodeFilter.FILTER_ACCEPT : NodeFilter.FILTER_SKIP);
  const text = walker.nextNode(), words = text.data.trim(), start = text.data.indexOf(words);
  const left = at => {
    const range = document.createRange();
    range.setStart(text, at);
    range.setEnd(text, at + 1);
    return range.getBoundingClientRect().left;
  };
  return left(start) < left(start + words.length - 1);
}"""


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
        made = server.manage("create_admin", "--username", "captain", "--email", "captain@example.com", "--json")
        password = json.loads(made)["password"]
        with server.client() as client:
            tokens = client.post("/auth/login", json={"username": "captain", "password": password}).json()["tokens"]
            client.headers["Authorization"] = f"Bearer {tokens['access_token']}"
            secret = client.post("/auth/mfa/totp").json()["secret"]
            answer = client.post("/auth/mfa/totp/activate", json={"code": code_of(secret)})
            codes = answer.json()["recovery_codes"]

        sign_in(page, server, password, name="captain", recovery_code=codes[0])

        assert page.url == f"{server.url}/admin/"
        assert page.complaints == []


class TestThePageOfAPerson:
    def test_ends_the_sessions_of_a_person_who_is_found_and_shows_it_in_the_timeline(self, server, page):
        made = server.manage("create_admin", "--username", "keeper", "--email", "keeper@example.com", "--json")
        with server.client() as client:
            body = {"username": "nadia", "email": "nadia@example.com", "password": "violet harbour drum kite"}
            tokens = client.post("/auth/register", json=body).json()["tokens"]

        sign_in(page, server, json.loads(made)["password"], name="keeper")
        page.click("a[href='/admin/accounts/user/']")
        page.fill("#searchbar", "nadia")
        page.press("#searchbar", "Enter")
        page.click("#result_list tbody th a")
        assert page.inner_text("h1") == "nadia"
        assert "session.created" in page.inner_text(".timeline")
        page.click(".person-actions a:has-text('End all sessions')")
        page.fill("#id_reason", "lost her phone")
        page.click("#action-form input[type=submit]")
        page.wait_for_selector(".messagelist .success")

        newest = page.inner_text(".timeline .entry:has-text('session.revoked') >> nth=0")
        assert "session.revoked" in newest
        assert "lost her phone" in newest
        assert "keeper" in newest
        assert "No open session." in page.inner_text(".person-now")
        assert page.complaints == []
        with server.client(headers={"Authorization": f"Bearer {tokens['access_token']}"}) as client:
            assert client.get("/auth/me").json()["code"] == "session_revoked"


class TestAPageFromRightToLeft:
    def test_keeps_names_and_addresses_in_their_order(self, server, page):
        made = server.manage("create_admin", "--username", "chief", "--email", "chief@example.com", "--json")
        agent = "Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
        with server.client(headers={"User-Agent": agent}) as client:
            body = {"username": "sara-7_", "email": "sara@example.com", "password": "violet harbour drum kite"}
            client.post("/auth/register", json=body)
        page.set_extra_http_headers({"Accept-Language": "fa"})

        sign_in(page, server, json.loads(made)["password"], name="chief")
        page.goto(f"{server.url}/admin/security_events/securityevent/?type=account.registered")
        assert page.get_attribute("html", "dir") == "rtl"
        for column in ("moment", "type", "actor", "address"):
            assert page.eval_on_selector(f"#result_list .field-{column}", IS_LEFT_TO_RIGHT), column
        page.goto(f"{server.url}/admin/accounts/user/?q=sara-7_")
        assert page.eval_on_selector("#result_list .field-username", IS_LEFT_TO_RIGHT)
        assert not page.eval_on_selector("#result_list .field-created_at", IS_LEFT_TO_RIGHT)
        page.goto(f"{server.url}/admin/tokens/session/?q=sara-7_")
        page.click("#result_list tbody th a")
        assert page.inner_text(".field-device .readonly") == "Firefox روی Ubuntu"
        assert not page.eval_on_selector(".field-device .readonly", IS_LEFT_TO_RIGHT)
        assert page.eval_on_selector(".field-user_agent .readonly", IS_LEFT_TO_RIGHT)
        assert [text for text in page.complaints if "404" not in text] == []
