"""Keys of signed notes and of cosignatures (C2SP signed-note v1.0.0, tlog-cosignature v1.0.1)."""

import base64
import binascii
import hashlib
import re
from typing import NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from security_events.verifier.errors import NoteMalformed

ED25519 = 1
ED25519_COSIGNATURE = 4
_KEY_BYTES = 32
_TIME_BYTES = 8
_SIGNATURE_BYTES = {ED25519: 64, ED25519_COSIGNATURE: _TIME_BYTES + 64}
_KEY_ID = re.compile(r"[0-9a-f]{8}")


def key_id(name: str, public_key: bytes, type_: int = ED25519) -> bytes:
    """Return the four bytes that stand before each signature of a key."""
    return hashlib.sha256(name.encode() + b"\n" + bytes([type_]) + public_key).digest()[:4]


def verification_key(name: str, public_key: bytes, type_: int = ED25519) -> str:
    """Return the text form of a public key (a "vkey"): what others verify with.

    Raises: NoteMalformed.
    """
    return str(VerificationKey(valid_key_name(name), public_key, type_))


class VerificationKey(NamedTuple):
    """A public key, with the name under which it signs."""

    name: str
    public_key: bytes
    type: int = ED25519

    @property
    def identity(self) -> tuple[str, bytes]:
        """Name and key id: what a signature names its key by."""
        return self.name, key_id(self.name, self.public_key, self.type)

    def accepts(self, text: str, signature: bytes) -> bool:
        """Return whether a signature (without its key id) of a note's text is by this key."""
        if len(signature) != _SIGNATURE_BYTES[self.type]:
            return False
        signed = text
        if self.type == ED25519_COSIGNATURE:
            signed = cosigned_text(text, cosignature_time(signature))
            signature = signature[_TIME_BYTES:]
        try:
            Ed25519PublicKey.from_public_bytes(self.public_key).verify(signature, signed.encode())
        except (InvalidSignature, ValueError):
            return False
        return True

    def __str__(self) -> str:
        encoded = base64.b64encode(bytes([self.type]) + self.public_key).decode()
        return f"{self.name}+{self.identity[1].hex()}+{encoded}"


def parse_verification_key(text: str) -> VerificationKey:
    """Read a vkey.

    Raises: NoteMalformed.
    """
    parts = text.strip().split("+", 2)
    if len(parts) != 3 or not _KEY_ID.fullmatch(parts[1]):
        raise NoteMalformed("A verification key has the form <name>+<8 hexadecimal digits>+<base64>.")
    name, hexadecimal, encoded = parts
    material = strict_base64(encoded)
    if not material or material[0] not in _SIGNATURE_BYTES or len(material) != 1 + _KEY_BYTES:
        raise NoteMalformed("The key is none of Ed25519, which is the only algorithm that is supported.")
    key = VerificationKey(valid_key_name(name), material[1:], material[0])
    if key.identity[1].hex() != hexadecimal:
        raise NoteMalformed("The id of the verification key does not fit its name and its key: a part was changed.")
    return key


def cosignature_time(signature: bytes) -> int:
    """Return when a cosignature (without its key id) was made, in seconds since 1970."""
    return int.from_bytes(signature[:_TIME_BYTES])


def cosigned_text(text: str, time: int) -> str:
    """Return what a witness signs: the time, and the text of the checkpoint. tlog-cosignature, "Ed25519"."""
    return f"cosignature/v1\ntime {time}\n{text}"


def valid_key_name(name: str) -> str:
    """Return a name that a key may have.

    Raises: NoteMalformed.
    """
    if not name or "+" in name or any(each.isspace() or ord(each) < 32 for each in name):
        raise NoteMalformed("The name of a key is not empty and has neither a space nor a plus sign.")
    return name


def strict_base64(text: str) -> bytes:
    """Return the bytes of a text in the one form that RFC 4648, section 4, gives them.

    Raises: NoteMalformed.
    """
    try:
        value = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise NoteMalformed("This is no base64.") from None
    if base64.b64encode(value).decode() != text:
        raise NoteMalformed("This is no base64: unused bits are set.")
    return value
