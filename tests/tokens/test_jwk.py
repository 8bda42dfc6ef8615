import base64

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers

from tokens import jwk

# The example of RFC 7638, 3.1.
MODULUS = (
    "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhM"
    "stn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5"
    "hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"
)
KEY = RSAPublicNumbers(e=65537, n=int.from_bytes(base64.urlsafe_b64decode(MODULUS + "==")[:256], "big")).public_key()


class TestThumbprintOf:
    def test_is_that_of_the_rfc(self):
        assert jwk.thumbprint_of(KEY) == "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"


class TestMembersOf:
    def test_are_the_required_ones_alone(self):
        assert jwk.members_of(KEY) == {"kty": "RSA", "n": MODULUS, "e": "AQAB"}
