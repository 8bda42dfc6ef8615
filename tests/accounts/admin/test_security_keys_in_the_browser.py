"""The pages of the admin that ask for a security key, in Chromium with a virtual one."""

import json

import pytest

from tests.accounts.admin.admin_browser import sign_in
from tests.accounts.admin.axe import AGE_SESSIONS, faults_of
from tests.clients.browser import CHROMIUM
from tests.programs import served

CREATE = """async options => (await navigator.credentials.create({
  publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options)
})).toJSON()"""
REMOVE_CODES = """
from accounts.factors import recovery_codes
from accounts.models import User
recovery_codes.remove(user_id=User.objects.get(username="keeper").pk)
"""
SECURITY_KEY = {"protocol": "ctap2", "transport": "usb", "automaticPresenceSimulation": True}


@pytest.fixture(scope="module")
def server():
    """A server whose pages have the origin that its security keys are for: browsers demand a name, no address."""
    with served.database() as url:
        server = served.Served(database_url=url)
        server.url = f"http://localhost:{server.port}"
        server.environment["WEBAUTHN_ORIGINS"] = server.url
        try:
            yield server.start()
        finally:
            server.stop()


def make_administrator(server, name):
    """Return the password and an access token of a new administrator."""
    made = server.manage("create_admin", "--username", name, "--email", f"{name}@example.com", "--json")
    password = json.loads(made)["password"]
    with server.client() as client:
        signed_in = client.post("/auth/login", json={"username": name, "password": password})
    return password, signed_in.json()["tokens"]["access_token"]


def plug_in(page):
    """Give a browser a security key; return what controls the key, and its id."""
    devtools = page.context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    return devtools, devtools.send("WebAuthn.addVirtualAuthenticator", {"options": SECURITY_KEY})["authenticatorId"]


def enrol(page, server, token):
    """Let a person add the key that is plugged in."""
    with server.client(headers={"Authorization": f"Bearer {token}"}) as client:
        options = client.post("/auth/mfa/webauthn/options", json={}).json()
        made = page.evaluate(CREATE, options)
        assert client.post("/auth/mfa/webauthn", json={"name": "Blue", "credential": made}).status_code == 201


def fail_then_use(page, devtools, key):
    """Use a key that has nothing of the person, of which the page says so and loses nothing, then the right one."""
    credential = devtools.send("WebAuthn.getCredentials", {"authenticatorId": key})["credentials"][0]
    devtools.send("WebAuthn.clearCredentials", {"authenticatorId": key})
    page.keyboard.press("Enter")
    page.wait_for_selector("#security-key-message:not([hidden])")
    assert page.evaluate("document.activeElement.id") == "security-key"
    assert faults_of(page) == []
    devtools.send("WebAuthn.addCredential", {"authenticatorId": key, "credential": credential})
    page.keyboard.press("Enter")


@pytest.fixture
def page(chromium):
    """A page of its own browser. Afterwards, it must have complained of nothing but answers that refuse."""
    context = chromium.new_context()
    page = context.new_page()
    complaints = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    yield page
    context.close()
    assert [text for text in complaints if "403" not in text] == []


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium was found")
class TestInTheBrowser:
    def test_confirms_by_keyboard_what_was_typed(self, page, server):
        password, token = make_administrator(server, "boss")
        devtools, key = plug_in(page)
        sign_in(page, server, password)
        enrol(page, server, token)

        page.goto(f"{server.url}/admin/access/role/add/")
        page.fill("#id_name", "reader")
        page.fill("#id_reason", "ticket 7")
        server.manage("shell", "--no-imports", "-c", AGE_SESSIONS)
        page.keyboard.press("Enter")
        page.wait_for_selector("#security-key:not([hidden])")
        assert not page.is_visible("#security-key-message")
        for width in (390, 1280):
            page.set_viewport_size({"width": width, "height": 800})
            assert faults_of(page) == [], width

        page.focus("#security-key")
        fail_then_use(page, devtools, key)
        page.wait_for_selector("text=reader")
        assert page.url.endswith("/admin/access/role/")

    def test_signs_in_by_keyboard(self, page, server):
        password, token = make_administrator(server, "keeper")
        devtools, key = plug_in(page)
        page.goto(f"{server.url}/admin/login/")
        enrol(page, server, token)

        page.goto(f"{server.url}/admin/access/role/")
        page.fill("#id_username", "keeper")
        page.fill("#id_password", password)
        page.keyboard.press("Enter")
        page.wait_for_selector("#security-key:not([hidden])")
        # Not the field, although it comes first: the person's only codes are those of recovery.
        assert page.evaluate("document.activeElement.id") == "security-key"
        for language, scheme, width in [("en", "light", 1280), ("fa", "dark", 390)]:
            page.set_extra_http_headers({"Accept-Language": language})
            page.emulate_media(color_scheme=scheme)
            page.set_viewport_size({"width": width, "height": 800})
            page.reload()
            page.wait_for_selector("#security-key:not([hidden])")
            assert page.get_attribute("html", "dir") == ("rtl" if language == "fa" else "ltr")
            assert faults_of(page) == [], language
        page.set_extra_http_headers({"Accept-Language": "en"})

        # Without a code, the key is what the page is for.
        server.manage("shell", "--no-imports", "-c", REMOVE_CODES)
        page.reload()
        page.wait_for_selector("#security-key:not([hidden])")
        assert page.query_selector("#id_code") is None
        assert page.evaluate("document.activeElement.id") == "security-key"
        assert faults_of(page) == []
        fail_then_use(page, devtools, key)
        page.wait_for_selector("#logout-form")
        assert page.url.endswith("/admin/access/role/")
