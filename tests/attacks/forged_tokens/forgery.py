"""Tokens as attackers make them, put together by hand: no library would."""

import base64
import functools
import hmac
import json
from hashlib import sha256

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from tokens.models import SigningKey
from tokens.signing_algorithms import SIGNING_ALGORITHMS


def b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def unb64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def compact(value) -> bytes:
    """JSON to the letter as our own tokens have it."""
    return json.dumps(value, separators=(",", ":")).encode()


@functools.cache
def private_key_of(pem: str):
    """Return the key that a PEM text holds. To load one takes 40 ms, since its numbers are checked."""
    return load_pem_private_key(pem.encode(), password=None)


class Mint:
    """Starts from a genuine token and changes what it is told to, with or without our own key."""

    def __init__(self, genuine: str) -> None:
        self.genuine = genuine
        header, payload, self.signature = genuine.split(".")
        self.header, self.payload = json.loads(unb64(header)), json.loads(unb64(payload))
        self.key = SigningKey.objects.get(kid=self.header["kid"])
        self.private = private_key_of(self.key.private_key)

    def sign(self, *, header=None, payload=None) -> str:
        """Sign any header and payload (values or raw bytes) with our own key."""
        return self.assemble(header, payload, self.sign_bytes)

    def sign_bytes(self, data: bytes) -> bytes:
        """Sign as the algorithm of our own key does."""
        return SIGNING_ALGORITHMS[self.key.algorithm].sign(self.private, data)

    def hs256(self, secret: bytes, *, header=None, payload=None) -> str:
        return self.assemble(header, payload, lambda data: hmac.digest(secret, data, sha256))

    def assemble(self, header, payload, sign) -> str:
        header = self.header if header is None else header
        payload = self.payload if payload is None else payload
        parts = [part if isinstance(part, bytes) else compact(part) for part in (header, payload)]
        signed = ".".join(map(b64, parts))
        return f"{signed}.{b64(sign(signed.encode()))}"

    def rs256(self, data: bytes, private=None) -> bytes:
        return (private or self.private).sign(data, padding.PKCS1v15(), hashes.SHA256())

    def claims(self, *without: str, **changes) -> str:
        """A token signed by us whose claims differ."""
        payload = {name: value for name, value in {**self.payload, **changes}.items() if name not in without}
        return self.sign(payload=payload)
