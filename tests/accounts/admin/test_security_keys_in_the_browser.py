"""The page of the admin that asks for a security key, in Chromium with a virtual one."""

import json

import pytest

from tests.accounts.admin.admin_browser import sign_in
from tests.accounts.admin.axe import AGE_SESSIONS, faults_of
from tests.clients.browser import CHROMIUM
from tests.programs import served

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


@pytest.fixture(scope="module")
def account(server):
    """An administrator with a password and an access token."""
    made = server.manage("create_admin", "--username", "boss", "--email", "boss@example.com", "--json")
    password = json.loads(made)["password"]
    with server.client() as client:
        signed_in = client.post("/auth/login", json={"username": "boss", "password": password})
    return password, signed_in.json()["tokens"]["access_token"]


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium was found")
class TestInTheBrowser:
    def test_confirms_by_keyboard_what_was_typed(self, chromium, server, account):
        password, token = account
        page = chromium.new_page()
        complaints = []
        page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        devtools = page.context.new_cdp_session(page)
        devtools.send("WebAuthn.enable")
        key = devtools.send("WebAuthn.addVirtualAuthenticator", {"options": SECURITY_KEY})["authenticatorId"]
        sign_in(page, server, password)
        with server.client(headers={"Authorization": f"Bearer {token}"}) as client:
            options = client.post("/auth/mfa/webauthn/options", json={}).json()
            made = page.evaluate(
                """async options => (await navigator.credentials.create({
                  publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options)
                })).toJSON()""",
                options,
            )
            assert client.post("/auth/mfa/webauthn", json={"name": "Blue", "credential": made}).status_code == 201

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

        # First no key of the person is there: the page says so, and nothing is lost.
        credential = devtools.send("WebAuthn.getCredentials", {"authenticatorId": key})["credentials"][0]
        devtools.send("WebAuthn.clearCredentials", {"authenticatorId": key})
        page.focus("#security-key")
        page.keyboard.press("Enter")
        page.wait_for_selector("#security-key-message:not([hidden])")
        assert page.evaluate("document.activeElement.id") == "security-key"
        assert faults_of(page) == []

        devtools.send("WebAuthn.addCredential", {"authenticatorId": key, "credential": credential})
        page.keyboard.press("Enter")
        page.wait_for_selector("text=reader")
        assert page.url.endswith("/admin/access/role/")
        assert [text for text in complaints if "403" not in text] == []
        page.context.close()
