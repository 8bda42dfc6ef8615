"""What an issuer may answer, by fault, by malice, or not at all: never a session, never a 500."""

import hashlib
import hmac
import json
import time
import warnings
from base64 import urlsafe_b64encode
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest

from accounts.models import User
from accounts.providers import transport
from accounts.providers.discovery import document_cache
from tests.peers.openid_provider.fake_issuer import CLIENT_ID, KID, REDIRECT_URI, jwk, public_pem, rsa_key, unsigned
from tests.problem_shape import assert_problem

pytestmark = pytest.mark.django_db
AUTHORIZE, CALLBACK = "/api/v1/auth/social/fake/authorize", "/api/v1/auth/social/fake/callback"
TOKEN = "/api/v1/auth/social/fake/token"


@pytest.fixture
def come_back(api, issuer):
    """Go to the issuer and come back with a code; the issuer knows the nonce, as it would."""

    def go():
        departure = api.post(AUTHORIZE, {"redirect_uri": REDIRECT_URI}, format="json").json()
        issuer.nonce = parse_qs(urlsplit(departure["authorization_url"]).query)["nonce"][0]
        return api.post(CALLBACK, {"code": "a-code", "state": departure["state"]}, format="json")

    return go


def signed(key=None, algorithm="RS256", **header):
    key = key or rsa_key()
    return lambda claims: jwt.encode(claims, key, algorithm=algorithm, headers={"kid": KID, **header})


def weakly(claims):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", jwt.InsecureKeyLengthWarning)
        return signed(rsa_key("weak", 1024))(claims)


def hs256_with_the_public_key(claims):
    # By hand: the library refuses to be misused so.
    head = unsigned({"alg": "HS256", "typ": "JWT", "kid": KID}, claims)[:-1]
    mac = hmac.new(public_pem(rsa_key()), head.encode(), hashlib.sha256).digest()
    return f"{head}.{urlsafe_b64encode(mac).rstrip(b'=').decode()}"


def without_kid(claims):
    return jwt.encode(claims, rsa_key(), algorithm="RS256")


NOW = int(time.time())
TOKENS = [
    # name, the section that forbids it, how it is signed, the claims that differ
    ("no kid", "OpenID Connect Core, 10.1", without_kid, {}),
    ("alg none", "RFC 8725, 3.1", lambda claims: unsigned({"alg": "none", "typ": "JWT"}, claims), {}),
    ("alg none with a kid", "RFC 8725, 3.1", lambda claims: unsigned({"alg": "none", "kid": KID}, claims), {}),
    ("HS256 with the public key", "RFC 8725, 2.1", hs256_with_the_public_key, {}),
    ("the key of another", "OpenID Connect Core, 3.1.3.7 (6)", signed(rsa_key("other")), {}),
    ("an unknown kid", "OpenID Connect Core, 10.1.1", signed(kid="key-9"), {}),
    ("a kid that is a path", "RFC 8725, 3.10", signed(kid="../../etc/passwd"), {}),
    ("another algorithm than the key's", "RFC 8725, 3.1", signed(algorithm="RS512"), {}),
    ("an access token", "RFC 8725, 3.11", signed(typ="at+jwt"), {}),
    ("a sign-out notice", "RFC 8725, 3.11", signed(typ="logout+jwt"), {}),
    ("a critical extension", "RFC 7515, 4.1.11", signed(crit=["b64"], b64=True), {}),
    ("a wrong nonce", "OpenID Connect Core, 3.1.3.7 (11)", signed(), {"nonce": "another"}),
    ("a nonce that is a number", "OpenID Connect Core, 3.1.3.7 (11)", signed(), {"nonce": 7}),
    ("no nonce", "OpenID Connect Core, 3.1.3.7 (11)", signed(), {"nonce": None}),
    ("expired", "OpenID Connect Core, 3.1.3.7 (9)", signed(), {"iat": NOW - 7200, "exp": NOW - 3600}),
    ("no expiry", "OpenID Connect Core, 2", signed(), {"exp": None}),
    ("an expiry that is a text", "RFC 7519, 4.1.4", signed(), {"exp": "tomorrow"}),
    ("from the future", "OpenID Connect Core, 3.1.3.7 (10)", signed(), {"iat": NOW + 7200, "exp": NOW + 9000}),
    ("not yet valid", "RFC 7519, 4.1.5", signed(), {"nbf": NOW + 7200}),
    ("for somebody else", "OpenID Connect Core, 3.1.3.7 (3)", signed(), {"aud": "another"}),
    ("for nobody", "OpenID Connect Core, 3.1.3.7 (3)", signed(), {"aud": None}),
    ("for us and for one we do not trust", "3.1.3.7 (3)", signed(), {"aud": [CLIENT_ID, "another"], "azp": CLIENT_ID}),
    ("for us twice without azp", "3.1.3.7 (4)", signed(), {"aud": [CLIENT_ID, CLIENT_ID]}),
    ("authorized for another", "3.1.3.7 (5)", signed(), {"azp": "another"}),
    ("of another issuer", "OpenID Connect Core, 3.1.3.7 (2)", signed(), {"iss": "https://accounts.google.com"}),
    ("without a subject", "OpenID Connect Core, 2", signed(), {"sub": None}),
    ("with an empty subject", "OpenID Connect Core, 2", signed(), {"sub": ""}),
    ("with a subject that can't be stored", "OpenID Connect Core, 2", signed(), {"sub": "a\0b"}),
    ("with an endless subject", "OpenID Connect Core, 2", signed(), {"sub": "a" * 300}),
    ("with the hash of another access token", "3.1.3.8", signed(), {"at_hash": "MTIzNDU2Nzg5MDEyMzQ1Ng"}),
]


class TestAnIdToken:
    def test_that_is_valid_signs_in(self, come_back):
        answer = come_back()
        assert answer.status_code == 200, answer.content
        assert answer.json()["user"]["email"] == "mina@example.com"

    @pytest.mark.parametrize("row", TOKENS, ids=[f"{row[0]} ({row[1]})" for row in TOKENS])
    def test_that_is_not_is_refused(self, come_back, issuer, events, row):
        _name, _section, issuer.sign, claims = row
        issuer.claims = claims
        if "nonce" in claims:
            issuer.id_token = lambda: type(issuer).id_token(issuer, nonce=claims["nonce"])

        assert_problem(come_back(), status=401, code="invalid_social_token")

        assert not User.objects.exists()
        failure = events("social.login_failed").get()
        assert failure.data == {"provider": "fake"}
        assert failure.risk_reasons[0] not in ("", "invalid_social_token")

    @pytest.mark.parametrize("text", ["", "a", "a.b.c", "....", "eyJhbGciOiJSUzI1NiJ9..", "é.é.é", "[" * 9000])
    def test_that_is_none_is_refused(self, come_back, issuer, text):
        issuer.token_answer = {"id_token": text}
        assert_problem(come_back(), status=401, code="invalid_social_token")

    @pytest.mark.parametrize("value", [None, 7, [], {}, True])
    def test_of_another_type_is_refused(self, come_back, issuer, value):
        issuer.token_answer = {"id_token": value}
        assert_problem(come_back(), status=401, code="invalid_social_token")

    @pytest.mark.parametrize(
        "key",
        [
            jwk(rsa_key("weak", 1024)),
            {"kty": "oct", "kid": KID, "k": "c2VjcmV0"},
            {"kty": "RSA", "kid": KID},
            {"kty": "RSA", "kid": KID, "n": "!!", "e": 7},
            {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA", "kid": KID},
            jwk(rsa_key(), use="enc"),
            "a text",
            None,
        ],
    )
    def test_of_a_key_that_is_none_is_refused(self, come_back, issuer, key):
        issuer.keys = [key]
        if key == jwk(rsa_key("weak", 1024)):
            issuer.sign = weakly
        assert_problem(come_back(), status=401, code="invalid_social_token")


REDIRECT = (302, b"{}", {"Location": "http://127.0.0.1:9/elsewhere"})
HUGE = (200, b'{"a": "' + b"a" * (transport.MAX_RESPONSE_BYTES + 1) + b'"}', {})


def slow():
    time.sleep(0.6)
    return {}


@pytest.fixture
def impatient(monkeypatch):
    """Wait a third of a second instead of four."""
    monkeypatch.setattr(transport, "READ_SECONDS", 0.3)


class TestTheTokenEndpoint:
    @pytest.mark.parametrize(
        "answer",
        [
            (200, b"not JSON", {}),
            (200, b"[" * 100_000, {}),
            (200, b"[]", {}),
            (200, b"null", {}),
            (200, b"", {}),
            (200, b"\xff\xfe", {}),
            (200, b"<html>", {"Content-Type": "text/html"}),
            (400, b'{"error": "invalid_grant"}', {}),
            (401, b'{"error": "invalid_client"}', {}),
            (404, b"", {}),
            REDIRECT,
            HUGE,
        ],
        ids=str,
    )
    def test_that_answers_with_invalid_documents_signs_nobody_in(self, come_back, issuer, answer):
        issuer.answers["/token"] = answer
        assert_problem(come_back(), status=401, code="invalid_social_token")

    @pytest.mark.parametrize("status", [500, 502, 503, 429])
    def test_that_is_out_of_order_is_said_to_be(self, come_back, issuer, status):
        issuer.answers["/token"] = (status, b"Traceback: secret", {})
        answer = come_back()
        assert_problem(answer, status=503, code="service_unavailable", secrets=["Traceback", "secret"])
        assert int(answer["Retry-After"]) > 0

    def test_that_is_slow_delays_no_other_request(self, come_back, issuer, impatient):
        issuer.answers["/token"] = slow
        assert_problem(come_back(), status=503, code="service_unavailable")

    def test_leaves_the_state_good_while_it_is_out_of_order(self, api, issuer):
        departure = api.post(AUTHORIZE, {"redirect_uri": REDIRECT_URI}, format="json").json()
        issuer.nonce = parse_qs(urlsplit(departure["authorization_url"]).query)["nonce"][0]
        body = {"code": "a-code", "state": departure["state"]}
        issuer.answers["/token"] = (503, b"", {})
        assert api.post(CALLBACK, body, format="json").status_code == 503
        del issuer.answers["/token"]

        assert api.post(CALLBACK, body, format="json").status_code == 200

    def test_gets_the_verifier_that_was_announced_and_the_secret_in_the_body(self, come_back, issuer):
        come_back()
        assert issuer.posted["grant_type"] == "authorization_code"
        assert issuer.posted["code"] == "a-code"
        assert issuer.posted["redirect_uri"] == REDIRECT_URI
        assert len(issuer.posted["code_verifier"]) >= 43
        assert issuer.posted["client_id"] == CLIENT_ID


class TestDiscovery:
    PATH = "/.well-known/openid-configuration"

    def begin(self, api):
        return api.post(AUTHORIZE, {"redirect_uri": REDIRECT_URI}, format="json")

    @pytest.mark.parametrize(
        "answer", [(200, b"not JSON", {}), (500, b"", {}), (404, b"", {}), REDIRECT, HUGE, (200, b"{}", {})], ids=str
    )
    def test_that_can_not_be_used_is_the_providers_outage(self, api, issuer, answer):
        issuer.answers[self.PATH] = answer
        assert_problem(self.begin(api), status=503, code="service_unavailable")

    @pytest.mark.parametrize(
        ("member", "value"),
        [
            ("issuer", "https://accounts.google.com"),
            ("issuer", None),
            ("token_endpoint", None),
            ("token_endpoint", "file:///etc/passwd"),
            ("jwks_uri", "ftp://example.com"),
            ("jwks_uri", 7),
            ("authorization_endpoint", "javascript:alert(1)"),
            ("userinfo_endpoint", "gopher://example.com"),
            ("jwks_uri", "http://[::1"),
        ],
    )
    def test_with_an_unusable_member_is_not_believed(self, api, issuer, member, value):
        issuer.answers[self.PATH] = lambda: {**issuer._discovery(), member: value}
        assert_problem(self.begin(api), status=503, code="service_unavailable")

    def test_of_an_issuer_that_is_down_is_said_so_at_once_the_second_time(self, api, issuer):
        issuer.answers[self.PATH] = (500, b"", {})
        self.begin(api)
        self.begin(api)
        assert issuer.count(self.PATH) == 1

    def test_and_keys_are_fetched_once_for_many_sign_ins(self, come_back, issuer):
        for number in range(3):
            issuer.claims = {"sub": f"person-{number}", "email": f"p{number}@example.com"}
            assert come_back().status_code == 200
        assert issuer.count(self.PATH) == 1
        assert issuer.count("/jwks") == 1


class TestTheKeys:
    @pytest.mark.parametrize(
        "answer", [(200, b"not JSON", {}), (500, b"", {}), REDIRECT, (200, b'{"keys": 7}', {})], ids=str
    )
    def test_that_can_not_be_read_are_the_providers_outage(self, come_back, issuer, answer):
        issuer.answers["/jwks"] = answer
        assert_problem(come_back(), status=503, code="service_unavailable")

    def test_that_were_rotated_are_found(self, come_back, issuer):
        assert come_back().status_code == 200
        issuer.keys = [jwk(rsa_key("other"), kid="key-2")]
        issuer.sign = signed(rsa_key("other"), kid="key-2")
        for entry in document_cache._entries.values():
            entry.tried_at -= 10

        assert come_back().status_code == 200
        assert issuer.count("/jwks") == 2

    def test_of_one_id_twice_are_none(self, come_back, issuer):
        issuer.keys = [jwk(rsa_key()), jwk(rsa_key("other"))]
        assert_problem(come_back(), status=401, code="invalid_social_token")


class TestTheUserinfoEndpoint:
    def test_tells_the_address_where_the_token_does_not(self, come_back, issuer):
        issuer.claims = {"email": None, "email_verified": None, "name": None}
        assert come_back().json()["user"]["email"] == "mina@example.com"

    @pytest.mark.parametrize(
        "answer",
        [
            {"sub": "somebody-else", "email": "mina@example.com", "email_verified": True},
            {"email": "mina@example.com", "email_verified": True},
            (200, b"not JSON", {}),
            (403, b"{}", {}),
            REDIRECT,
        ],
        ids=str,
    )
    def test_with_the_data_of_another_user_is_refused(self, come_back, issuer, answer):
        issuer.claims = {"email": None}
        issuer.answers["/me"] = answer
        assert_problem(come_back(), status=401, code="invalid_social_token")

    @pytest.mark.parametrize("value", [7, [], {"a": 1}, "not an address", "Mina <m@example.com>", "a\0b@example.com"])
    def test_with_an_invalid_address_gives_no_address(self, come_back, issuer, value):
        issuer.claims = {"email": None}
        issuer.answers["/me"] = {"sub": "person-1", "email": value, "email_verified": True}
        assert_problem(come_back(), status=403, code="email_not_confirmed")

    @pytest.mark.parametrize("value", [{"a": 1}, 7, "a\0b\nc", "\ud800", "a" * 5000])
    def test_may_tell_any_name(self, come_back, issuer, value):
        issuer.claims = {"email": None}
        issuer.answers["/me"] = {"sub": "person-1", "email": "mina@example.com", "email_verified": True, "name": value}
        answer = come_back()
        assert answer.status_code == 200, answer.content
        assert "\0" not in json.dumps(answer.json()["user"]["full_name"])


class TestAnUnreachableIssuer:
    def test_is_an_outage_and_no_error_of_ours(self, api, issuer):
        issuer.close()
        answer = api.post(AUTHORIZE, {"redirect_uri": REDIRECT_URI}, format="json")
        assert_problem(answer, status=503, code="service_unavailable")
