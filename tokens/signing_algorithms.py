"""The algorithms that access tokens can be signed with, and what each does with its keys.

A signature has one encoding, so a token has one, too: of the two signatures ``(r, s)`` and ``(r, n - s)`` that ECDSA
accepts, only the one with the smaller ``s`` is made and accepted. OpenSSL refuses the other encodings of RSA and
Ed25519 by itself (``s`` not smaller than the modulus or the group's order).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDSA,
    SECP256R1,
    EllipticCurvePrivateKey,
    EllipticCurvePublicKey,
)
from cryptography.hazmat.primitives.asymmetric.ec import generate_private_key as generate_ec_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key as generate_rsa_key
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from tokens import signing_algorithm_names

PrivateKey = RSAPrivateKey | EllipticCurvePrivateKey | Ed25519PrivateKey
PublicKey = RSAPublicKey | EllipticCurvePublicKey | Ed25519PublicKey

MIN_RSA_BITS = 2048  # RFC 7518, 3.3; also the size of keys generated here
_PUBLIC_EXPONENT = 65537
_ORDER = SECP256R1().group_order
_COORDINATE_BYTES = 32
_PKCS1, _SHA256, _ECDSA = PKCS1v15(), SHA256(), ECDSA(SHA256())


@dataclass(frozen=True, slots=True)
class SigningAlgorithm:
    """A value of the header ``alg``. Its functions are called with keys that ``is_key`` accepts, and no others."""

    name: str
    generate: Callable[[], PrivateKey]
    is_key: Callable[[object], bool]  # whether a public key is one of this algorithm
    sign: Callable[[Any, bytes], bytes]  # private key, signed bytes
    verify: Callable[[Any, bytes, bytes], bool]  # public key, signed bytes, signature


def _generate_rsa() -> RSAPrivateKey:
    return generate_rsa_key(public_exponent=_PUBLIC_EXPONENT, key_size=MIN_RSA_BITS)


def _is_rsa(public: object) -> bool:
    return isinstance(public, RSAPublicKey) and public.key_size >= MIN_RSA_BITS


def _sign_rs256(private: RSAPrivateKey, data: bytes) -> bytes:
    return private.sign(data, _PKCS1, _SHA256)


def _verify_rs256(public: RSAPublicKey, data: bytes, signature: bytes) -> bool:
    try:
        public.verify(signature, data, _PKCS1, _SHA256)
    except InvalidSignature:
        return False
    return True


def _generate_p256() -> EllipticCurvePrivateKey:
    return generate_ec_key(SECP256R1())


def _is_p256(public: object) -> bool:
    return isinstance(public, EllipticCurvePublicKey) and isinstance(public.curve, SECP256R1)


def _sign_es256(private: EllipticCurvePrivateKey, data: bytes) -> bytes:
    """Return ``r`` and the smaller ``s``, each in 32 bytes (RFC 7518, 3.4).

    The nonce is derived from key and data (RFC 6979, as RFC 8725, 3.2 recommends), so no weak source of random numbers
    can reveal the key. That takes 1.4 times as long, 39 µs instead of 27.
    """
    r, s = decode_dss_signature(private.sign(data, ECDSA(_SHA256, deterministic_signing=True)))
    return r.to_bytes(_COORDINATE_BYTES) + min(s, _ORDER - s).to_bytes(_COORDINATE_BYTES)


def _verify_es256(public: EllipticCurvePublicKey, data: bytes, signature: bytes) -> bool:
    if len(signature) != 2 * _COORDINATE_BYTES:
        return False
    r, s = int.from_bytes(signature[:_COORDINATE_BYTES]), int.from_bytes(signature[_COORDINATE_BYTES:])
    if s > _ORDER // 2:
        return False
    try:
        public.verify(encode_dss_signature(r, s), data, _ECDSA)
    except InvalidSignature:
        return False
    return True


def _is_ed25519(public: object) -> bool:
    return isinstance(public, Ed25519PublicKey)


def _sign_eddsa(private: Ed25519PrivateKey, data: bytes) -> bytes:
    return private.sign(data)


def _verify_eddsa(public: Ed25519PublicKey, data: bytes, signature: bytes) -> bool:
    try:
        public.verify(signature, data)
    except InvalidSignature:
        return False
    return True


RS256 = SigningAlgorithm(signing_algorithm_names.RS256, _generate_rsa, _is_rsa, _sign_rs256, _verify_rs256)
ES256 = SigningAlgorithm(signing_algorithm_names.ES256, _generate_p256, _is_p256, _sign_es256, _verify_es256)
# RFC 9864 calls this one ``Ed25519``, too, and deprecates ``EdDSA`` for naming no curve. Libraries that services use
# (PyJWT 2.15, Authlib 1.9) know only ``EdDSA``, so that is what headers and JWKS say; the JWK names its curve.
EDDSA = SigningAlgorithm(
    signing_algorithm_names.EDDSA, Ed25519PrivateKey.generate, _is_ed25519, _sign_eddsa, _verify_eddsa
)

SIGNING_ALGORITHMS = {algorithm.name: algorithm for algorithm in (RS256, ES256, EDDSA)}


def algorithm_of(public: object) -> SigningAlgorithm | None:
    """Return the algorithm that a public key is for, or ``None`` for a key of another type or too short a one."""
    return next((algorithm for algorithm in SIGNING_ALGORITHMS.values() if algorithm.is_key(public)), None)
