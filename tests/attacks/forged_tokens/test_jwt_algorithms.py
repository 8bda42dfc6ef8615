"""Tokens whose header says how they want to be verified."""

import json

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.attacks.forged_tokens.forgery import b64, compact

ENCODINGS = {"PEM": Encoding.PEM, "DER": Encoding.DER}
FORMATS = {"SubjectPublicKeyInfo": PublicFormat.SubjectPublicKeyInfo, "PKCS1": PublicFormat.PKCS1}


class TestGenuine:
    """What the attacks are measured against: the forger's workshop makes good tokens when it changes nothing."""

    def test_is_accepted(self, mint, accepted):
        accepted(mint.genuine)
        assert mint.sign() == mint.genuine
        accepted(mint.sign())


@pytest.mark.attack("RFC 8725, 3.1")
class TestNoAlgorithm:
    @pytest.mark.parametrize(
        "algorithm",
        ["none", "None", "NONE", "nOnE", "none ", " none", "", "n\u043ene", None, False, 0, [], {}, ["none"]],
    )
    @pytest.mark.parametrize("signature", ["", "genuine"])
    def test_is_refused(self, mint, refused, algorithm, signature):
        header = compact({**mint.header, "alg": algorithm})
        refused(f"{b64(header)}.{b64(compact(mint.payload))}.{mint.signature if signature else ''}")

    def test_is_refused_without_the_member(self, mint, refused):
        refused(mint.sign(header={name: mint.header[name] for name in ("kid", "typ")}))

    def test_is_refused_without_a_signature(self, mint, refused):
        header, payload, _ = mint.genuine.split(".")
        for token in (
            f"{header}.{payload}.",
            f"{header}.{payload}",
            f"{header}.",
            header,
            f"{header}..{mint.signature}",
        ):
            refused(token)


@pytest.mark.attack("RFC 8725, 2.1 and 3.1")
class TestPublicKeyAsSecret:
    @pytest.mark.parametrize("encoding", ENCODINGS)
    @pytest.mark.parametrize("form", FORMATS)
    @pytest.mark.parametrize("algorithm", ["HS256", "RS256", "hs256", "HS384"])
    def test_is_refused(self, mint, refused, encoding, form, algorithm):
        secret = mint.private.public_key().public_bytes(ENCODINGS[encoding], FORMATS[form])
        for key in {secret, secret.strip(), secret.strip().replace(b"\n", b"")}:
            refused(mint.hs256(key, header={**mint.header, "alg": algorithm}))

    @pytest.mark.parametrize("secret", [b"", b"secret", b"null", b"\0" * 32])
    def test_is_refused_with_a_guessed_secret(self, mint, refused, settings, secret):
        for key in (secret, settings.SECRET_KEY.encode(), mint.header["kid"].encode()):
            refused(mint.hs256(key, header={**mint.header, "alg": "HS256"}))


@pytest.mark.attack("RFC 8725, 3.1 and 3.2")
class TestOtherAlgorithms:
    """The right key with another algorithm, and other algorithms' keys."""

    def rsa_signatures(self, private):
        pss = padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.DIGEST_LENGTH)
        return {
            "RS384": lambda data: private.sign(data, padding.PKCS1v15(), hashes.SHA384()),
            "RS512": lambda data: private.sign(data, padding.PKCS1v15(), hashes.SHA512()),
            "PS256": lambda data: private.sign(data, pss, hashes.SHA256()),
        }

    @pytest.mark.parametrize("algorithm", ["RS384", "RS512", "PS256"])
    def test_are_refused_with_our_own_key(self, mint, refused, algorithm):
        sign = self.rsa_signatures(mint.private)[algorithm]
        for named in (algorithm, "RS256"):
            refused(mint.assemble({**mint.header, "alg": named}, None, sign))

    @pytest.mark.parametrize("named", ["ES256", "RS256", "EdDSA"])
    def test_are_refused_with_an_elliptic_curve(self, mint, refused, named):
        private = ec.generate_private_key(ec.SECP256R1())
        refused(
            mint.assemble(
                {**mint.header, "alg": named}, None, lambda data: private.sign(data, ec.ECDSA(hashes.SHA256()))
            )
        )

    @pytest.mark.parametrize("algorithm", ["RS256", "RS384", "PS256"])
    def test_are_refused_with_the_attackers_rsa_key(self, mint, refused, algorithm):
        private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        signatures = {"RS256": lambda data: mint.rs256(data, private), **self.rsa_signatures(private)}
        refused(mint.assemble({**mint.header, "alg": algorithm}, None, signatures[algorithm]))

    @pytest.mark.parametrize("size", [0, 1, 255, 256, 257, 2000])
    @pytest.mark.parametrize("byte", [b"\0", b"\x01", b"\xff"])
    def test_are_refused_with_a_degenerate_signature(self, mint, refused, size, byte):
        refused(mint.assemble(None, None, lambda _data: byte * size))


@pytest.mark.attack("RFC 8725, 3.11")
class TestType:
    @pytest.mark.parametrize(
        "kind", ["JWT", "at+JWT", "AT+jwt", "application/at+jwt", "", None, 1, "dpop+jwt", "logout+jwt"]
    )
    def test_is_refused_unless_it_is_that_of_an_access_token(self, mint, refused, kind):
        refused(mint.sign(header={**mint.header, "typ": kind}))

    def test_is_refused_when_missing(self, mint, refused):
        refused(mint.sign(header={name: mint.header[name] for name in ("alg", "kid")}))


@pytest.mark.attack("RFC 7515, 10.12")
class TestHeaderSpelledOtherwise:
    """Each signed by our own key: even we never spell a header like that."""

    @pytest.mark.parametrize(
        "spell",
        [
            lambda header: json.dumps(header).encode(),
            lambda header: compact(dict(reversed(header.items()))),
            lambda header: compact(header) + b" ",
            lambda header: b"\xef\xbb\xbf" + compact(header),
            lambda header: compact(header).decode().encode("utf-16"),
            lambda header: compact(header).replace(b"alg", b"al\\u0067"),
            lambda header: compact(header).replace(b'"alg"', b'"alg":"none","alg"'),
            lambda header: compact(header)[:-1] + b',"alg":"none"}',
            lambda header: compact(header)[:-1] + b',"kid":"x"}',
            lambda header: compact(header) + b"{}",
            lambda header: compact([header]),
            lambda header: compact(json.dumps(header)),
            lambda _header: b"null",
            lambda _header: b"{}",
            lambda _header: b"",
            lambda _header: b"\xff\xfe",
            lambda _header: b"[" * 3000,
        ],
    )
    def test_is_refused(self, mint, refused, spell):
        refused(mint.sign(header=spell(mint.header)))
