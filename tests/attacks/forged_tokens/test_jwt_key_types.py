"""Tokens that mix up the keys and the algorithms that we sign with, and second encodings of their signatures."""

import json
import string

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.utils import timezone

from tests.attacks.forged_tokens.forgery import Mint, b64, compact, unb64
from tests.factories.tokens import open_session
from tokens.access_tokens import jwk
from tokens.access_tokens.keyring import keyring
from tokens.models import SigningKey
from tokens.services import keys
from tokens.signing_algorithms import SIGNING_ALGORITHMS

P256_ORDER = ec.SECP256R1().group_order
ED25519_ORDER = 2**252 + 27742317777372353535851937790883648493
ED25519_PRIME = 2**255 - 19
NAMES = list(SIGNING_ALGORITHMS)


def make_key(settings, name, *, emergency=True):
    settings.TOKENS = {**settings.TOKENS, "ACCESS_TOKEN_ALGORITHM": name}
    return keys.rotate(now=timezone.now(), emergency=emergency)


@pytest.fixture(params=NAMES)
def algorithm(request, settings, db):
    """One key of ours is published, and it is for this algorithm."""
    keyring.clear()
    make_key(settings, request.param)
    yield SIGNING_ALGORITHMS[request.param]
    keyring.clear()


@pytest.fixture
def victim(algorithm):
    return open_session()


def only(name):
    return pytest.mark.parametrize("algorithm", [name], indirect=True)


def encodings_of(public):
    """Return what an attacker could take for the secret: every public form of the key."""
    yield public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    yield from (pem, pem.strip())
    members = jwk.members_of(public)
    yield json.dumps(members).encode()
    yield from (unb64(value) for name, value in members.items() if name in {"n", "x", "y"})
    if members["kty"] == "EC":
        yield public.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


class TestGenuine:
    """What the attacks are measured against."""

    def test_is_accepted(self, algorithm, mint, accepted):
        assert mint.header["alg"] == algorithm.name
        accepted(mint.genuine)
        assert mint.sign() == mint.genuine


@pytest.mark.attack("RFC 8725, 3.1")
class TestAlgorithmOfTheHeader:
    def test_does_not_choose_how_our_key_verifies(self, algorithm, mint, refused):
        for named in {*NAMES, "Ed25519", "ES256K", "ES384", "PS256", "HS256", "none"} - {algorithm.name}:
            header = {**mint.header, "alg": named}
            refused(mint.sign(header=header))
            refused(f"{b64(compact(header))}.{b64(compact(mint.payload))}.")

    @pytest.mark.parametrize("named", [*NAMES, "HS256", "HS384", "HS512"])
    def test_does_not_make_the_public_key_a_secret(self, mint, refused, named):
        for secret in encodings_of(mint.private.public_key()):
            refused(mint.hs256(secret, header={**mint.header, "alg": named}))

    @pytest.mark.parametrize("other", NAMES)
    @pytest.mark.parametrize("named", NAMES)
    def test_does_not_make_an_attackers_key_ours(self, mint, refused, named, other):
        attacker = SIGNING_ALGORITHMS[other].generate()
        for kid in (mint.header["kid"], jwk.thumbprint_of(attacker.public_key())):
            header = {**mint.header, "alg": named, "kid": kid}
            refused(mint.assemble(header, None, lambda data: SIGNING_ALGORITHMS[other].sign(attacker, data)))


@pytest.mark.attack("RFC 8725, 3.1 and 3.2")
class TestTwoPublishedKeys:
    """While the algorithm changes, keys of two algorithms are published."""

    @pytest.mark.parametrize("other", NAMES)
    def test_do_not_verify_for_each_other(self, settings, mint, refused, accepted, other):
        algorithm = mint.header["alg"]
        second = make_key(settings, other, emergency=False)
        assert {key["alg"] for key in keyring.jwks()} == {algorithm, other}
        accepted(mint.genuine)
        theirs = {"alg": other, "kid": second.kid, "typ": "at+jwt"}

        refused(mint.sign(header=theirs))
        refused(mint.sign(header={**mint.header, "kid": second.kid}))
        private = Mint(mint.genuine)
        private.key = second
        private.private = keyring.signing_key(now=timezone.now(), kid=second.kid).private
        refused(private.sign(header=mint.header))
        refused(private.sign(header={**theirs, "kid": mint.header["kid"]}))
        if other != algorithm:
            refused(private.sign(header={**theirs, "alg": algorithm}))
        accepted(private.sign(header=theirs))

    def test_are_not_believed_when_the_row_says_another_algorithm(self, algorithm, mint, refused, accepted):
        other = next(name for name in NAMES if name != algorithm.name)
        accepted(mint.genuine)
        SigningKey.objects.filter(pk=mint.key.pk).update(algorithm=other)
        keyring.clear()

        refused(mint.genuine)
        refused(mint.sign(header={**mint.header, "alg": other}))
        assert keyring.jwks() == []


@only("ES256")
@pytest.mark.attack("RFC 7515, 10.12 and RFC 8725, 3.2")
class TestSecondSignaturesOfEs256:
    @pytest.fixture
    def numbers(self, mint):
        signature = unb64(mint.signature)
        return int.from_bytes(signature[:32]), int.from_bytes(signature[32:])

    @pytest.fixture
    def with_signature(self, mint):
        return lambda signature: f"{mint.genuine.rpartition('.')[0]}.{b64(signature)}"

    def test_are_refused_with_the_other_s(self, mint, refused, accepted, numbers, with_signature):
        r, s = numbers
        signed = mint.genuine.rpartition(".")[0].encode()
        # The attack is real: the signature is valid.
        mint.private.public_key().verify(encode_dss_signature(r, P256_ORDER - s), signed, ec.ECDSA(hashes.SHA256()))

        refused(with_signature(r.to_bytes(32) + (P256_ORDER - s).to_bytes(32)))
        accepted(with_signature(r.to_bytes(32) + s.to_bytes(32)))

    def test_are_refused_as_der(self, refused, numbers, with_signature):
        refused(with_signature(encode_dss_signature(*numbers)))

    @pytest.mark.parametrize("length", [31, 33, 34, 64])
    def test_are_refused_with_numbers_of_another_length(self, refused, numbers, with_signature, length):
        r, s = numbers
        raw = [value.to_bytes(max(length, 32))[-length:] for value in (r, s)]
        refused(with_signature(b"".join(raw)))

    def test_are_refused_without_leading_zeros(self, mint, refused, accepted):
        for attempt in range(5000):
            token = mint.claims(jti=f"x{attempt}")
            signature = unb64(token.rpartition(".")[2])
            if signature[0] == 0 or signature[32] == 0:
                break
        accepted(token)
        short = signature[:32].lstrip(b"\0") + signature[32:].lstrip(b"\0")
        refused(f"{token.rpartition('.')[0]}.{b64(short)}")

    @pytest.mark.parametrize(
        "change",
        [
            lambda _r, _s: (0, 0),
            lambda _r, _s: (1, 1),
            lambda r, _s: (r, 0),
            lambda _r, s: (0, s),
            lambda r, s: (s, r),
            lambda _r, s: (P256_ORDER, s),
            lambda r, _s: (r, P256_ORDER),
            lambda _r, s: (2**256 - 1, s),
            lambda r, s: (P256_ORDER - r, s),
            lambda _r, _s: (P256_ORDER, P256_ORDER),
        ],
    )
    def test_are_refused_with_degenerate_numbers(self, refused, numbers, with_signature, change):
        r, s = change(*numbers)
        refused(with_signature(r.to_bytes(32) + s.to_bytes(32)))

    @pytest.mark.parametrize("digest", [hashes.SHA1, hashes.SHA384, hashes.SHA512])
    def test_are_refused_by_another_digest(self, mint, refused, digest):
        def sign(data):
            der = mint.private.sign(data, ec.ECDSA(digest()))
            r, s = decode_dss_signature(der)
            return r.to_bytes(32) + min(s, P256_ORDER - s).to_bytes(32)

        refused(mint.assemble(None, None, sign))


@only("EdDSA")
@pytest.mark.attack("RFC 8032, 5.1.7 and RFC 8725, 3.2")
class TestSecondSignaturesOfEddsa:
    @pytest.fixture
    def with_signature(self, mint):
        return lambda signature: f"{mint.genuine.rpartition('.')[0]}.{b64(signature)}"

    @pytest.mark.parametrize("times", [1, 2, 8])
    def test_are_refused_with_an_s_beyond_the_order(self, mint, refused, with_signature, times):
        signature = unb64(mint.signature)
        s = int.from_bytes(signature[32:], "little") + times * ED25519_ORDER
        refused(with_signature(signature[:32] + s.to_bytes(32, "little")))

    @pytest.mark.parametrize("bit", [253, 254, 255])
    def test_are_refused_with_spare_bits_of_s(self, mint, refused, with_signature, bit):
        signature = unb64(mint.signature)
        s = int.from_bytes(signature[32:], "little") ^ 1 << bit
        refused(with_signature(signature[:32] + s.to_bytes(32, "little")))

    @pytest.mark.parametrize(
        "y",
        [
            0,
            1,
            ED25519_PRIME - 1,
            ED25519_PRIME,
            ED25519_PRIME + 1,
            2707385501144840649318225287225658788936804267575313519463743609750303021,
            55188659117513257062467267217118295137698188065244968500265048394206261417927,
        ],
    )
    def test_are_refused_with_a_point_of_small_order(self, mint, refused, with_signature, y):
        for sign_bit in (0, 1):
            point = (y | sign_bit << 255).to_bytes(32, "little")
            for s in (bytes(32), unb64(mint.signature)[32:]):
                refused(with_signature(point + s))

    @pytest.mark.parametrize("change", [lambda raw: raw[32:] + raw[:32], lambda raw: raw[::-1], lambda raw: raw + raw])
    def test_are_refused_in_another_order(self, mint, refused, with_signature, change):
        refused(with_signature(change(unb64(mint.signature))))


@only("RS256")
@pytest.mark.attack("RFC 8017, 8.2.2")
class TestSecondSignaturesOfRs256:
    def test_are_refused_beyond_the_modulus(self, mint, refused, accepted):
        modulus = mint.private.public_key().public_numbers().n
        for attempt in range(200):
            token = mint.claims(jti=f"x{attempt}")
            signature = int.from_bytes(unb64(token.rpartition(".")[2]))
            if signature + modulus < 2**2048:
                break
        accepted(token)
        beyond = (signature + modulus).to_bytes(257).removeprefix(b"\0")
        refused(f"{token.rpartition('.')[0]}.{b64(beyond)}")

    def test_are_refused_with_leading_zeros(self, mint, refused):
        refused(f"{mint.genuine.rpartition('.')[0]}.{b64(bytes(1) + unb64(mint.signature))}")


@pytest.mark.attack("RFC 7515, 2 and RFC 4648, 3.5")
class TestSpareBitsOfTheSignature:
    """64 and 256 bytes leave four bits of the last character that encode nothing."""

    def test_are_refused(self, mint, refused):
        twins = [
            other
            for character in string.ascii_letters + string.digits + "-_"
            if unb64(other := mint.signature[:-1] + character) == unb64(mint.signature) and other != mint.signature
        ]
        assert len(twins) == 15
        for twin in twins:
            refused(f"{mint.genuine.rpartition('.')[0]}.{twin}")
