"""Headers that point to the attacker's key, to a file, to a statement, or nowhere."""

import base64
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from jwt.algorithms import RSAAlgorithm
from rest_framework.test import APIClient

from tests.attacks.forged_tokens.forgery import Mint
from tests.factories.tokens import open_session
from tokens.access_tokens import jwk
from tokens.access_tokens.keyring import keyring
from tokens.models import SigningKey
from tokens.services import keys


@pytest.fixture(scope="module")
def attacker():
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture(scope="module")
def certificate(attacker):
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "attacker.example")])
    day = datetime(2026, 1, 1, tzinfo=UTC)
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(attacker.public_key())
        .serial_number(1)
        .not_valid_before(day)
        .not_valid_after(day + timedelta(days=3650))
        .sign(attacker, hashes.SHA256())
    )
    return built.public_bytes(Encoding.DER)


@pytest.mark.attack("RFC 8725, 3.10")
class TestEmbeddedKey:
    """The attacker's signature is right, if one believes the header. No network is asked either: tests have none."""

    def forged(self, mint, attacker, extra, **changes):
        jwk = RSAAlgorithm.to_jwk(attacker.public_key(), as_dict=True)
        header = {**mint.header, **changes, **extra(jwk)}
        return mint.assemble(header, None, lambda data: mint.rs256(data, attacker))

    @pytest.mark.parametrize("names", ["ours", "attacker's", "missing"])
    @pytest.mark.parametrize(
        "member",
        [
            lambda jwk: {"jwk": jwk},
            lambda _jwk: {"jku": "https://attacker.example/jwks.json"},
            lambda _jwk: {"jku": "http://127.0.0.1:8000/.well-known/jwks.json"},
            lambda _jwk: {"jku": "file:///etc/passwd"},
            lambda _jwk: {"x5u": "https://attacker.example/chain.pem"},
            lambda _jwk: {},
        ],
        ids=["jwk", "jku", "our own jku", "jku of a file", "x5u", "nothing"],
    )
    def test_is_not_believed(self, mint, refused, attacker, names, member):
        token = self.forged(mint, attacker, member)
        if names == "attacker's":
            token = self.forged(mint, attacker, member, kid=jwk.thumbprint_of(attacker.public_key()))
        elif names == "missing":
            del mint.header["kid"]
            token = self.forged(mint, attacker, member)
        refused(token)

    def test_is_not_believed_as_a_certificate(self, mint, refused, attacker, certificate):
        encoded = base64.b64encode(certificate).decode()
        refused(self.forged(mint, attacker, lambda _jwk: {"x5c": [encoded]}))
        refused(self.forged(mint, attacker, lambda _jwk: {"x5t": "AAAA", "x5t#S256": "AAAA", "x5c": [encoded] * 3}))

    @pytest.mark.parametrize("member", ["jwk", "jku", "x5u", "x5c"])
    def test_is_not_even_tolerated_in_a_token_that_we_signed(self, mint, refused, member):
        refused(mint.sign(header={**mint.header, member: "https://attacker.example/"}))


@pytest.mark.attack("RFC 8725, 3.10")
class TestKeyId:
    """All signed by our own key: only the id that we wrote names it."""

    @pytest.mark.parametrize(
        "kid",
        [
            "../../../../etc/passwd",
            "/dev/null",
            "file:///dev/null",
            "' OR '1'='1",
            "x' UNION SELECT 'secret' --",
            "x'; DROP TABLE tokens_signingkey; --",
            "%00",
            "\0",
            "\ud800",
            "",
            " ",
            "A" * 43,
            "a" * 4000,
            "a" * 10_000,
            None,
            True,
            0,
            -1,
            1.5,
            10**100,
            [],
            {},
            ["x"],
            {"kid": "x"},
            "${jndi:ldap://x}",
            "{{7*7}}",
            "$(id)",
        ],
    )
    def test_is_only_ever_looked_up(self, mint, refused, kid):
        refused(mint.sign(header={**mint.header, "kid": kid}))
        assert SigningKey.objects.filter(pk=mint.key.pk).exists()

    def test_is_wanted(self, mint, refused):
        refused(mint.sign(header={name: mint.header[name] for name in ("alg", "typ")}))

    @pytest.mark.parametrize(
        "change", [str.lower, str.upper, str.swapcase, lambda kid: kid + " ", lambda kid: kid + "="]
    )
    def test_is_taken_to_the_letter(self, mint, refused, change):
        refused(mint.sign(header={**mint.header, "kid": change(mint.header["kid"])}))

    def test_can_not_name_another_key_of_ours(self, mint, refused, now):
        other = keys.rotate(now=now)
        keyring.clear()
        refused(mint.sign(header={**mint.header, "kid": other.kid}))
        keyring.clear()

    def test_can_not_name_a_key_that_was_withdrawn(self, mint, victim, now):
        stolen = mint.sign()
        keyring.clear()
        keys.rotate(now=now, emergency=True)
        response = APIClient().get("/api/v1/auth/sessions", HTTP_AUTHORIZATION=f"Bearer {stolen}")
        assert (response.status_code, response.json()["code"]) == (401, "invalid_token")
        fresh = Mint(open_session().access_token)
        assert fresh.header["kid"] != mint.header["kid"]
        keyring.clear()


@pytest.mark.attack("RFC 7515, 4.1.11")
class TestCritical:
    @pytest.mark.parametrize("crit", [["exp"], ["b64"], ["x-unknown"], [], "exp", None, 1, {}])
    def test_is_refused(self, mint, refused, crit):
        refused(mint.sign(header={**mint.header, "crit": crit, "x-unknown": 1, "b64": False}))


@pytest.mark.attack("RFC 7797, 7")
class TestUnencodedPayload:
    def test_is_refused(self, mint, refused):
        refused(mint.sign(header={**mint.header, "b64": False}))


@pytest.mark.attack("RFC 8725, 2.7")
class TestCompression:
    def test_is_refused(self, mint, refused):
        refused(mint.sign(header={**mint.header, "zip": "DEF"}))
