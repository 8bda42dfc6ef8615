"""Signatures: the examples of the RFCs, and every encoding but one refused."""

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa, utils
from cryptography.hazmat.primitives.hashes import SHA256

from cedrina_base import base64url
from tokens.signing_algorithm_names import SIGNING_ALGORITHM_NAMES
from tokens.signing_algorithms import EDDSA, ES256, RS256, SIGNING_ALGORITHMS, algorithm_of

ORDER = ec.SECP256R1().group_order
DATA = b"signed"
ALGORITHMS = pytest.mark.parametrize("algorithm", SIGNING_ALGORITHMS.values(), ids=list(SIGNING_ALGORITHMS))

# The payload of RFC 7515, A.2 and A.3.
PAYLOAD = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
A2_MODULUS = (
    "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgN"
    "MsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xs"
    "mtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ"
)
A2_SIGNATURE = (
    "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1d"
    "nZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwu"
    "sC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw"
)
A3_X, A3_Y = "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"
A3_SIGNATURE = "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"
# RFC 8037, A.1 and A.4.
ED_PRIVATE = "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"
ED_SIGNED = b"eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc"
ED_SIGNATURE = "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"
# RFC 6979, A.2.5: the key, and r and s of two messages by SHA-256.
DETERMINISTIC_KEY = 0xC9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721
DETERMINISTIC = {
    b"sample": (
        0xEFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716,
        0xF7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8,
    ),
    b"test": (
        0xF1ABB023518351CD71D881567B1EA663ED3EFCF6C5132B354F28D3B0B7D38367,
        0x019F4113742A2B14BD25926B49C649155F267E60D3814B4C0CC84250E46F0083,
    ),
}


def number(text):
    return int.from_bytes(base64url.decode(text))


def pair(r, s):
    return r.to_bytes(32) + s.to_bytes(32)


class TestExamplesOfTheStandards:
    def test_rs256_of_rfc_7515_a_2(self):
        public = rsa.RSAPublicNumbers(e=65537, n=number(A2_MODULUS)).public_key()

        assert RS256.verify(public, f"eyJhbGciOiJSUzI1NiJ9.{PAYLOAD}".encode(), base64url.decode(A2_SIGNATURE))

    def test_es256_of_rfc_7515_a_3_with_the_smaller_s(self):
        public = ec.EllipticCurvePublicNumbers(number(A3_X), number(A3_Y), ec.SECP256R1()).public_key()
        signed, signature = f"eyJhbGciOiJFUzI1NiJ9.{PAYLOAD}".encode(), base64url.decode(A3_SIGNATURE)
        r, s = int.from_bytes(signature[:32]), int.from_bytes(signature[32:])

        assert s > ORDER // 2
        assert not ES256.verify(public, signed, signature)
        assert ES256.verify(public, signed, pair(r, ORDER - s))

    @pytest.mark.parametrize("message", DETERMINISTIC)
    def test_es256_of_rfc_6979_a_2_5_with_the_smaller_s(self, message):
        private = ec.derive_private_key(DETERMINISTIC_KEY, ec.SECP256R1())
        r, s = DETERMINISTIC[message]

        assert ES256.sign(private, message) == pair(r, min(s, ORDER - s))

    def test_eddsa_of_rfc_8037_a_4(self):
        private = ed25519.Ed25519PrivateKey.from_private_bytes(base64url.decode(ED_PRIVATE))

        assert base64url.encode(EDDSA.sign(private, ED_SIGNED)) == ED_SIGNATURE
        assert EDDSA.verify(private.public_key(), ED_SIGNED, base64url.decode(ED_SIGNATURE))


class TestSignAndVerify:
    @ALGORITHMS
    def test_belong_together(self, algorithm):
        private = algorithm.generate()
        public, signature = private.public_key(), algorithm.sign(private, DATA)

        assert algorithm.verify(public, DATA, signature)
        assert not algorithm.verify(public, DATA + b".", signature)
        assert not algorithm.verify(algorithm.generate().public_key(), DATA, signature)

    @ALGORITHMS
    def test_give_the_same_signature_again(self, algorithm):
        private = algorithm.generate()

        assert algorithm.sign(private, DATA) == algorithm.sign(private, DATA)

    @ALGORITHMS
    def test_refuse_every_signature_that_differs_by_one_bit(self, algorithm):
        private = algorithm.generate()
        public, signature = private.public_key(), algorithm.sign(private, DATA)
        whole = int.from_bytes(signature)

        for bit in range(8 * len(signature)):
            assert not algorithm.verify(public, DATA, (whole ^ 1 << bit).to_bytes(len(signature)))

    @ALGORITHMS
    def test_refuse_every_other_length(self, algorithm):
        private = algorithm.generate()
        public, signature = private.public_key(), algorithm.sign(private, DATA)

        for length in (0, 1, 31, 32, 63, len(signature) - 1):
            assert not algorithm.verify(public, DATA, signature[:length])
            assert not algorithm.verify(public, DATA, signature[-length:] if length else b"")
        for more in (b"\0", b"\0" * 64, signature):
            assert not algorithm.verify(public, DATA, signature + more)
            assert not algorithm.verify(public, DATA, more + signature)


class TestEs256:
    def test_makes_only_signatures_with_the_smaller_s(self):
        private = ES256.generate()

        for message in range(64):
            assert int.from_bytes(ES256.sign(private, bytes([message]))[32:]) <= ORDER // 2

    def test_refuses_what_other_verifiers_take_for_the_same_signature(self):
        private = ES256.generate()
        public, signature = private.public_key(), ES256.sign(private, DATA)
        r, s = int.from_bytes(signature[:32]), int.from_bytes(signature[32:])

        public.verify(utils.encode_dss_signature(r, ORDER - s), DATA, ec.ECDSA(SHA256()))
        assert not ES256.verify(public, DATA, pair(r, ORDER - s))


class TestAlgorithmOf:
    @ALGORITHMS
    def test_is_that_which_made_the_key(self, algorithm):
        assert algorithm_of(algorithm.generate().public_key()) is algorithm

    @pytest.mark.parametrize(
        "private",
        [
            lambda: rsa.generate_private_key(public_exponent=65537, key_size=1024),  # noqa: S505 - that is the point
            lambda: ec.generate_private_key(ec.SECP384R1()),
            lambda: ec.generate_private_key(ec.SECP256K1()),
        ],
        ids=["RSA of 1024 bits", "P-384", "secp256k1"],
    )
    def test_is_none_for_other_keys(self, private):
        assert algorithm_of(private().public_key()) is None


class TestNames:
    def test_are_those_that_models_and_checks_know(self):
        assert tuple(SIGNING_ALGORITHMS) == SIGNING_ALGORITHM_NAMES
