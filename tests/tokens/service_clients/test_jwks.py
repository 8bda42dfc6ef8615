"""Registered key sets: RFC 7517, RFC 7518, 3.3 and 6, and RFC 8725, 3.1."""

import json

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from cedrina_base import base64url
from tests.factories.service_clients import MAKE, public_jwk
from tokens.errors import JwksInvalid
from tokens.service_clients.jwks import ALGORITHMS, validated_jwks, verification_keys

# The public keys of RFC 7517, A.1, which another implementation has made.
RFC_EC = {
    "kty": "EC",
    "crv": "P-256",
    "x": "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",
    "y": "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM",
    "use": "sig",
    "kid": "1",
}
TOO_SHORT = rsa.generate_private_key(65537, 1024)  # noqa: S505 - it has to be refused


def one(key):
    return {"keys": [key]}


class TestValidated:
    @pytest.mark.parametrize("algorithm", ALGORITHMS)
    def test_takes_a_key_of_each_algorithm(self, algorithm):
        key = public_jwk(MAKE[algorithm](), algorithm=algorithm, kid="1", alg=algorithm, x5t="dropped")
        found = validated_jwks(one(key))

        assert found == one({name: value for name, value in key.items() if name != "x5t"})
        assert len(list(verification_keys(found, algorithm=algorithm, key_id="1"))) == 1

    def test_takes_that_of_the_rfc(self):
        assert validated_jwks(one(RFC_EC)) == one({name: RFC_EC[name] for name in RFC_EC if name != "use"})

    @pytest.mark.parametrize(
        "given",
        [
            None,
            [],
            {},
            {"keys": []},
            {"keys": {}},
            {"keys": [RFC_EC] * 2},  # with one kid
            {"keys": [{**RFC_EC, "kid": str(number)} for number in range(11)]},
            one(7),
            one({}),
            one({**RFC_EC, "x": 7}),
            one({**RFC_EC, "x": RFC_EC["y"]}),  # no point of the curve
            one({**RFC_EC, "crv": "P-384"}),
            one({**RFC_EC, "use": "enc"}),
            one({**RFC_EC, "alg": "RS256"}),
            one({**RFC_EC, "alg": "none"}),
            one({**RFC_EC, "kid": ""}),
            one({**RFC_EC, "kid": "a\0b"}),
            one({**RFC_EC, "kid": "x" * 201}),
            one({"kty": "oct", "k": "c2VjcmV0"}),
            one({"kty": "oct"}),
            one(public_jwk(ec.generate_private_key(ec.SECP384R1()), algorithm="ES384")),
            one(RSAAlgorithm.to_jwk(TOO_SHORT.public_key(), as_dict=True)),
        ],
    )
    def test_refuses_what_it_cannot_verify_with(self, given):
        with pytest.raises(JwksInvalid):
            validated_jwks(given)

    def test_refuses_a_key_that_takes_long(self):
        def rsa_key(size):
            return one({"kty": "RSA", "e": "AQAB", "n": base64url.encode(b"\xff" * size)})

        assert validated_jwks(rsa_key(512))
        with pytest.raises(JwksInvalid):
            validated_jwks(rsa_key(513))

    def test_refuses_a_private_key_and_keeps_nothing_of_it(self):
        private = ECAlgorithm.to_jwk(MAKE["ES256"](), as_dict=True)
        with pytest.raises(JwksInvalid) as refusal:
            validated_jwks(one(private))
        assert private["d"] not in json.dumps(str(refusal.value.__dict__))


class TestVerificationKeys:
    @pytest.mark.parametrize("algorithm", ["none", "HS256", "RS256", "PS256", "EdDSA", "ES384"])
    def test_are_none_for_an_algorithm_of_another_key(self, algorithm):
        assert list(verification_keys(one(RFC_EC), algorithm=algorithm, key_id=None)) == []
