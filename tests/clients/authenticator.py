"""A security key in software: it makes credentials and signs, and can be told to do either wrongly."""

import json
import secrets
from dataclasses import dataclass, field
from hashlib import sha256

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from fido2 import cbor
from fido2.cose import ES256
from fido2.utils import websafe_decode, websafe_encode

ORIGIN = "http://localhost:8000"
PRESENT, VERIFIED, ELIGIBLE, BACKED_UP, ATTESTED = 0x01, 0x04, 0x08, 0x10, 0x40


@dataclass
class SoftwareKey:
    """One credential. ``step`` is how far its counter goes with each use; a synchronised passkey has none."""

    rp_id: str = "localhost"
    origin: str = ORIGIN
    flags: int = PRESENT | VERIFIED
    step: int = 1
    counter: int = 0
    cross_origin: bool = False
    credential_id: bytes = field(default_factory=lambda: secrets.token_bytes(16))
    handle: bytes | None = None
    private_key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    def create(self, options, **changes):
        """Answer creation options, as ``navigator.credentials.create()`` and ``toJSON()`` would."""
        self.handle = websafe_decode(options["user"]["id"])
        public = cbor.encode(dict(ES256.from_cryptography_key(self.private_key.public_key())))
        attested = bytes(16) + len(self.credential_id).to_bytes(2, "big") + self.credential_id + public
        data = self._data(ATTESTED, **changes) + attested
        response = {
            "clientDataJSON": self._client_data("webauthn.create", options, **changes),
            "attestationObject": websafe_encode(cbor.encode({"fmt": "none", "attStmt": {}, "authData": data})),
            "transports": ["usb"],
        }
        return {**self._head(), "response": response, "clientExtensionResults": {"credProps": {"rk": True}}}

    def get(self, options, **changes):
        """Answer request options, as ``navigator.credentials.get()`` and ``toJSON()`` would."""
        data = self._data(0, **changes)
        client_data = self._client_data("webauthn.get", options, **changes)
        signed = data + sha256(websafe_decode(client_data)).digest()
        signature = changes.get("private_key", self.private_key).sign(signed, ec.ECDSA(SHA256()))
        handle = changes.get("handle", self.handle)
        response = {
            "clientDataJSON": client_data,
            "authenticatorData": websafe_encode(data),
            "signature": websafe_encode(signature),
            "userHandle": websafe_encode(handle) if handle is not None else None,
        }
        return {**self._head(), "response": response, "clientExtensionResults": {}}

    def _head(self):
        encoded = websafe_encode(self.credential_id)
        return {"id": encoded, "rawId": encoded, "type": "public-key", "authenticatorAttachment": "cross-platform"}

    def _data(self, more_flags, **changes):
        self.counter = changes.get("counter", self.counter + self.step)
        rp_id, flags = changes.get("rp_id", self.rp_id), changes.get("flags", self.flags)
        return sha256(rp_id.encode()).digest() + bytes([flags | more_flags]) + self.counter.to_bytes(4, "big")

    def _client_data(self, usual_kind, options, **changes):
        document = {
            "type": changes.get("kind", usual_kind),
            "challenge": changes.get("challenge", options["challenge"]),
            "origin": changes.get("origin", self.origin),
            "crossOrigin": changes.get("cross_origin", self.cross_origin),
        }
        return websafe_encode(json.dumps(document).encode())
