"""People confirm who they are in the admin with a security key."""

import json
import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts.access.models import Role
from security_events.models import SecurityEvent
from tests import served
from tests.accounts.admin.admin_browser import sign_in
from tests.accounts.admin.axe import AGE_SESSIONS, faults_of
from tests.browser import CHROMIUM
from tests.factories.accounts import UserFactory
from tests.factories.factors import add_key, add_totp, code_of
from tests.factories.tokens import sign_in_at_admin
from tokens.models import Session

ADD, NEW_ROLE = "/admin/access/role/add/", {"name": "reader", "description": "", "reason": "they asked"}
FIELD = "reauthentication-credential"
OPTIONS = re.compile(r'<script id="security-key-options" type="application/json">(.*?)</script>')
SECURITY_KEY = {"protocol": "ctap2", "transport": "usb", "automaticPresenceSimulation": True}


def options_of(page):
    return json.loads(OPTIONS.search(page.content.decode())[1])


def is_made():
    return Role.objects.filter(name="reader").exists()


def grow_old():
    Session.objects.update(authenticated_at=timezone.now() - timedelta(minutes=6), second_factor_at=None)


@pytest.mark.django_db
@pytest.mark.attack("RFC 9470; WebAuthn Level 2, 7.2")
class TestASecurityKey:
    @pytest.fixture
    def key(self, boss):
        return add_key(boss)[0]

    @pytest.fixture
    def browser(self, boss, key):
        client = Client()
        sign_in_at_admin(client, boss)
        grow_old()
        return client

    def test_confirms_a_change_that_keeps_what_was_typed(self, browser, key):
        page = browser.post(ADD, NEW_ROLE)
        assert page.status_code == 403
        assert 'name="name" value="reader"' in page.content.decode()
        done = browser.post(ADD, {**NEW_ROLE, FIELD: json.dumps(key.get(options_of(page)))})
        assert done.status_code == 302
        assert is_made()
        assert browser.post(ADD, {**NEW_ROLE, "name": "writer"}).status_code == 302  # the proof is recent now
        event = SecurityEvent.objects.get(type="authentication.reauthenticated")
        assert "hwk" in event.data["amr"]

    def test_confirms_once_by_an_answer(self, browser, key):
        answer = json.dumps(key.get(options_of(browser.post(ADD, NEW_ROLE))))
        browser.post(ADD, {**NEW_ROLE, FIELD: answer})
        grow_old()
        again = browser.post(ADD, {**NEW_ROLE, "name": "writer", FIELD: answer})
        assert again.status_code == 403
        assert "The security key was not accepted." in again.content.decode()

    def test_answers_the_challenge_of_its_own_session_only(self, boss, browser, key):
        other = Client()
        sign_in_at_admin(other, boss)
        grow_old()
        answer = json.dumps(key.get(options_of(other.post(ADD, NEW_ROLE))))
        assert browser.post(ADD, {**NEW_ROLE, FIELD: answer}).status_code == 403
        assert not is_made()

    def test_of_somebody_else_confirms_nothing(self, browser):
        others, _added = add_key(UserFactory())
        answer = json.dumps(others.get(options_of(browser.post(ADD, NEW_ROLE))))
        refused = browser.post(ADD, {**NEW_ROLE, FIELD: answer}).content.decode()
        assert "The security key was not accepted." in refused
        assert 'name="name" value="reader"' in refused
        assert answer not in refused
        assert not is_made()

    @pytest.mark.parametrize(
        "answer", ["{", "[]", "1", '"x"', "{}", '{"response": 1}', "[" * 16_000, '{"a":' * 3_000, "x" * 20_000]
    )
    def test_that_answers_nonsense_confirms_nothing(self, browser, answer):
        refused = browser.post(ADD, {**NEW_ROLE, FIELD: answer})
        assert refused.status_code == 403
        assert "The security key was not accepted." in refused.content.decode()
        assert not is_made()

    def test_is_asked_for_beside_a_code(self, boss, browser):
        secret, _codes = add_totp(boss)
        grow_old()
        page = browser.post(ADD, NEW_ROLE)
        assert options_of(page)["allowCredentials"]
        done = browser.post(ADD, {**NEW_ROLE, "reauthentication-code": code_of(secret)})
        assert done.status_code == 302

    def test_is_not_asked_of_people_who_have_none(self):
        somebody = UserFactory(username="nokey", admin=True)
        add_totp(somebody)
        client = Client()
        sign_in_at_admin(client, somebody)
        grow_old()
        page = client.post(ADD, NEW_ROLE).content.decode()
        assert 'name="reauthentication-code"' in page
        assert "security-key" not in page


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
