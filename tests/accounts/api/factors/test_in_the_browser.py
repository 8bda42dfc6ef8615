"""Security keys and passkeys in Chromium, with a virtual authenticator: a page of its own origin calls the API."""

import shutil
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.clients.browser import CHROMIUM, chromium_browser
from tests.programs import served

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium was found"),
]
SECURITY_KEY = {"protocol": "ctap2", "transport": "usb", "hasResidentKey": False, "hasUserVerification": False}
PHONE = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
}
PASSWORD = "violet harbour drum kite"
# What docs/api-guide.md shows to client developers.
SCRIPT = """
async function call(method, path, body, token) {
  const headers = {"Content-Type": "application/json"};
  if (token) headers.Authorization = `Bearer ${token}`;
  const answer = await fetch(`${API}/api/v1/auth${path}`, {method, headers, body: body && JSON.stringify(body)});
  return {status: answer.status, challenge: answer.headers.get("WWW-Authenticate"),
          body: answer.status === 204 ? null : await answer.json()};
}
async function addKey(token, name, passkey) {
  const options = await call("POST", "/mfa/webauthn/options", {passkey}, token);
  const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(options.body);
  const credential = await navigator.credentials.create({publicKey});
  return call("POST", "/mfa/webauthn", {name, credential: credential.toJSON()}, token);
}
async function assert(options) {
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(options);
  return (await navigator.credentials.get({publicKey})).toJSON();
}
async function signIn(username, password) {
  const first = await call("POST", "/login", {username, password});
  if (!first.body.mfa) return first;
  const webauthn = await assert(first.body.mfa.webauthn);
  return call("POST", "/mfa/verify", {mfa_token: first.body.mfa.token, webauthn});
}
async function signInByPasskey() {
  const options = await call("POST", "/passkey/options");
  return call("POST", "/passkey/login", {credential: await assert(options.body)});
}
async function stepUp(token) {
  const ways = await call("POST", "/reauthenticate/options", undefined, token);
  return call("POST", "/reauthenticate", {webauthn: await assert(ways.body.webauthn)}, token);
}
"""


class Page(SimpleHTTPRequestHandler):
    """Serves the client's one page, whatever is asked for."""

    def __init__(self, *arguments, api, **options):
        self.api = api
        super().__init__(*arguments, **options)

    def do_GET(self):
        body = f"<!doctype html><title>client</title><script>const API = '{self.api[0]}';{SCRIPT}</script>".encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments):
        """Say nothing."""


@pytest.fixture(scope="module")
def client_url():
    api = [""]
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Page, api=api)) as pages:
        threading.Thread(target=pages.serve_forever, daemon=True).start()
        origin = f"http://localhost:{pages.server_port}"
        settings = {"CORS_ALLOWED_ORIGINS": origin, "WEBAUTHN_ORIGINS": origin, "TOTP_ISSUER": "Example"}
        with served.database() as url, served.serving(database_url=url, **settings) as server:
            api[0] = server.url
            yield origin
        pages.shutdown()


@pytest.fixture(scope="module")
def chromium():
    with chromium_browser() as browser:
        yield browser


@pytest.fixture
def page(chromium, client_url):
    """A page of a browser profile of its own."""
    page = chromium.new_page()
    page.goto(client_url)
    yield page
    page.close()  # and its profile with it


@pytest.fixture
def plug_in(page):
    """Give the browser a virtual authenticator; return the client that controls it."""
    devtools = page.context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")

    def plug(options):
        added = devtools.send(
            "WebAuthn.addVirtualAuthenticator", {"options": {**options, "automaticPresenceSimulation": True}}
        )
        return lambda command, **more: devtools.send(
            f"WebAuthn.{command}", {"authenticatorId": added["authenticatorId"], **more}
        )

    return plug


@pytest.fixture
def register(page):
    def person(name):
        body = {"username": name, "email": f"{name}@example.com", "password": PASSWORD}
        answer = page.evaluate("body => call('POST', '/register', body)", body)
        assert answer["status"] == 201, answer
        return answer["body"]["tokens"]["access_token"]

    return person


def amr(page, answer):
    sessions = page.evaluate("token => call('GET', '/sessions', undefined, token)", token_of(answer))
    return next(one["amr"] for one in sessions["body"]["results"] if one["current"])


def token_of(answer):
    assert answer["status"] == 200, answer
    return answer["body"]["tokens"]["access_token"]


class TestSecurityKey:
    def test_is_added_and_asked_for_at_the_sign_in_and_for_what_is_sensitive(self, page, plug_in, register):
        plug_in(SECURITY_KEY)
        added = page.evaluate("token => addKey(token, 'Blue key', false)", register("mina"))
        assert (added["status"], len(added["body"]["recovery_codes"])) == (201, 10)
        assert added["body"]["passkey"] is False

        signed_in = page.evaluate("password => signIn('mina', password)", PASSWORD)

        assert amr(page, signed_in) == ["pwd", "hwk", "user", "mfa"]
        assert page.evaluate("token => stepUp(token)", token_of(signed_in))["status"] == 200
        path = f"/mfa/webauthn/{added['body']['id']}"
        removed = page.evaluate(
            "([path, token]) => call('DELETE', path, undefined, token)", [path, token_of(signed_in)]
        )
        assert removed["status"] == 204
        assert page.evaluate("password => signIn('mina', password)", PASSWORD)["body"]["tokens"]

    def test_is_not_added_twice(self, page, plug_in, register):
        plug_in(SECURITY_KEY)
        token = register("vera")
        page.evaluate("token => addKey(token, 'one', false)", token)

        name = page.evaluate("token => addKey(token, 'again', false).catch(error => error.name)", token)

        assert name == "InvalidStateError"  # the browser saw it among the excluded ones


class TestPasskey:
    def test_signs_in_alone(self, page, plug_in, register):
        plug_in(PHONE)
        added = page.evaluate("token => addKey(token, 'Phone', true)", register("nora"))
        assert (added["status"], added["body"]["passkey"]) == (201, True)

        signed_in = page.evaluate("signInByPasskey()")

        assert signed_in["body"]["user"]["username"] == "nora"
        assert amr(page, signed_in) == ["hwk", "user", "mfa"]

    def test_is_refused_when_its_user_is_not_verified(self, page, plug_in, register):
        phone = plug_in(PHONE)
        page.evaluate("token => addKey(token, 'Phone', true)", register("olga"))
        phone("setUserVerified", isUserVerified=False)

        refusal = page.evaluate("signInByPasskey().catch(error => error.name)")

        assert refusal == "NotAllowedError"  # the browser itself does not sign

    def test_is_refused_as_a_copy_that_counts_backwards(self, page, plug_in, register):
        phone = plug_in(PHONE)
        page.evaluate("token => addKey(token, 'Phone', true)", register("petra"))
        (copied,) = phone("getCredentials")["credentials"]
        for _ in range(2):
            assert page.evaluate("signInByPasskey()")["status"] == 200

        phone("removeCredential", credentialId=copied["credentialId"])
        phone("addCredential", credential=copied)
        refused = page.evaluate("signInByPasskey()")

        assert (refused["status"], refused["body"]["code"]) == (401, "invalid_credentials")
