"""Which keys a verifier trusts, at which sizes of the tree, and what is wrong with a checkpoint."""

import base64
import binascii
from collections.abc import Collection, Iterable, Mapping
from typing import Any, NamedTuple

from security_events.verifier.checkpoints import Checkpoint, open_checkpoint, parse_checkpoint
from security_events.verifier.errors import NoteMalformed, SignatureInvalid, SignerUnknown
from security_events.verifier.keys import (
    ED25519,
    ED25519_COSIGNATURE,
    VerificationKey,
    cosignature_time,
    valid_key_name,
)
from security_events.verifier.notes import Note, parse_note
from security_events.verifier.reports import (
    KEY_RETIRED,
    KEY_UNKNOWN,
    MALFORMED,
    SIGNATURE_INVALID,
    Finding,
)


class TrustedKey(NamedTuple):
    """A key of a log. It signs trees that are larger than ``from_size`` and at most as large as ``to_size``."""

    key: VerificationKey
    from_size: int = -1
    to_size: int | None = None

    def signs(self, size: int) -> bool:
        """Return whether a checkpoint of this size may be signed by the key."""
        return self.from_size < size and (self.to_size is None or size <= self.to_size)


class JudgedCheckpoint(NamedTuple):
    """A checkpoint whose signature was verified, or what is wrong with it."""

    size: int
    """Where in the trail it stands; 0 if nothing tells."""
    note: Note | None
    checkpoint: Checkpoint | None
    finding: Finding | None


def judge_checkpoint(
    note: str | bytes, keys: Collection[TrustedKey], *, origin: str = "", size: int | None = None
) -> JudgedCheckpoint:
    """Verify the signature of a checkpoint by the key that it names, and that the key was in use at its size.

    ``size`` is where it stands if something else than the note tells.
    """
    parsed = checkpoint = None
    reason = ""
    try:
        parsed = parse_note(note)
        checkpoint = parse_checkpoint(parsed.text)
        open_checkpoint(parsed, [each.key for each in keys], origin=origin)
    except NoteMalformed:
        reason = MALFORMED
    except SignatureInvalid:
        reason = SIGNATURE_INVALID
    except SignerUnknown:
        reason = KEY_UNKNOWN
    place = size if size is not None else checkpoint.size if checkpoint else None
    if parsed and checkpoint and not reason:
        signers = {each.identity for each in parsed.signatures}
        in_use = [each for each in keys if each.key.identity in signers and each.key.type == ED25519]
        reason = "" if any(each.signs(checkpoint.size) for each in in_use) else KEY_RETIRED
    finding = Finding("checkpoint", None if place is None else str(place), place, reason) if reason else None
    return JudgedCheckpoint(place or 0, parsed, checkpoint, finding)


def cosigned_at(note: Note, witnesses: Iterable[VerificationKey]) -> int | None:
    """Return the newest time (seconds since 1970) at which a trusted witness has signed a checkpoint, if one has."""
    known = {key.identity: key for key in witnesses if key.type == ED25519_COSIGNATURE}
    times = [
        cosignature_time(each.signature)
        for each in note.signatures
        if each.identity in known and known[each.identity].accepts(note.text, each.signature)
    ]
    return max(times, default=None)


def keys_of_jwks(jwks: Any) -> list[TrustedKey]:
    """Return the audit keys of a JSON Web Key Set: Ed25519 keys (RFC 8037) with the member ``audit_trail``.

    That member has the name under which the key signs notes, and the sizes of the tree that it signs for. Other keys,
    such as those of access tokens, are left out.

    Raises: NoteMalformed.
    """
    listed = jwks.get("keys") if isinstance(jwks, dict) else None
    if not isinstance(listed, list):
        raise NoteMalformed("A JSON Web Key Set is an object with the member keys, a list.")
    return [_trusted_key(each) for each in listed if isinstance(each, dict) and "audit_trail" in each]


def _trusted_key(jwk: Mapping[str, Any]) -> TrustedKey:
    use = jwk["audit_trail"]
    name, first, last = map(use.get, ("name", "from_size", "to_size")) if isinstance(use, dict) else (None, None, None)
    if type(name) is not str or type(first) is not int or type(last) not in {int, type(None)}:
        raise NoteMalformed("The member audit_trail of a key has a name, from_size and to_size.")
    try:
        public_key = base64.b64decode(f"{jwk['x']}=", altchars=b"-_", validate=True)
    except (KeyError, binascii.Error, ValueError):
        public_key = b""
    if (jwk.get("kty"), jwk.get("crv"), len(public_key)) != ("OKP", "Ed25519", 32):
        raise NoteMalformed("An audit key is an OKP key of the curve Ed25519 with 32 bytes.")
    return TrustedKey(VerificationKey(valid_key_name(name), public_key), first, last)
