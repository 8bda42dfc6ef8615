import base64

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers

from tokens.access_tokens import jwk

# The example of RFC 7638, 3.1.
MODULUS = (
    "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhM"
    "stn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5"
    "hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"
)
KEY = RSAPublicNumbers(e=65537, n=int.from_bytes(base64.urlsafe_b64decode(MODULUS + "==")[:256], "big")).public_key()

# RFC 9449, 4.1 and 6.1; RFC 8037, A.2 and A.3.
P256_X, P256_Y = "l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs", "9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA"
ED25519_X = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"


def raw(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


P256 = ec.EllipticCurvePublicNumbers(
    int.from_bytes(raw(P256_X)), int.from_bytes(raw(P256_Y)), ec.SECP256R1()
).public_key()
ED25519 = Ed25519PublicKey.from_public_bytes(raw(ED25519_X))


class TestThumbprintOf:
    def test_is_that_of_the_rfc(self):
        assert jwk.thumbprint_of(KEY) == "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"

    def test_is_that_of_the_rfcs_for_curves(self):
        assert jwk.thumbprint_of(P256) == "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"
        assert jwk.thumbprint_of(ED25519) == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"


class TestMembersOf:
    def test_are_the_required_ones_alone(self):
        assert jwk.members_of(KEY) == {"kty": "RSA", "n": MODULUS, "e": "AQAB"}
        assert jwk.members_of(P256) == {"kty": "EC", "crv": "P-256", "x": P256_X, "y": P256_Y}
        assert jwk.members_of(ED25519) == {"kty": "OKP", "crv": "Ed25519", "x": ED25519_X}

    def test_have_coordinates_of_full_length(self):
        """RFC 7518, 6.2.1.2: leading zeros stay."""
        for scalar in range(1, 400):
            public = ec.derive_private_key(scalar, ec.SECP256R1()).public_key()
            members = jwk.members_of(public)

            assert len(members["x"]) == len(members["y"]) == 43
