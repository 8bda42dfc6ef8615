"""Signed notes (C2SP signed-note v1.0.0): a text, a blank line and the lines of its signatures."""

import base64
from collections.abc import Collection, Sequence
from typing import NamedTuple

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from security_events.verifier.errors import NoteMalformed, SignatureInvalid, SignerUnknown
from security_events.verifier.keys import (
    ED25519,
    ED25519_COSIGNATURE,
    VerificationKey,
    cosigned_text,
    key_id,
    strict_base64,
    valid_key_name,
)

_PREFIX = "— "  # U+2014 and a space
_MOST_SIGNATURES = 100  # as Go's sumdb/note has it; the specification asks for 16 at least
LARGEST_NOTE = 2**20  # bytes


class NoteSignature(NamedTuple):
    """A signature of a note, and which key it names."""

    name: str
    key_id: bytes
    signature: bytes

    @property
    def identity(self) -> tuple[str, bytes]:
        """Name and key id of the key."""
        return self.name, self.key_id

    def __str__(self) -> str:
        return f"{_PREFIX}{self.name} {base64.b64encode(self.key_id + self.signature).decode()}\n"


class Note(NamedTuple):
    """A text and its signatures. Nothing is verified yet."""

    text: str
    signatures: tuple[NoteSignature, ...]

    def __str__(self) -> str:
        return f"{self.text}\n{''.join(map(str, self.signatures))}"


def parse_note(note: str | bytes) -> Note:
    """Read a signed note without verifying it.

    Raises: NoteMalformed.
    """
    text, lines = _parts(note)
    if not lines.endswith("\n"):
        raise NoteMalformed("A note ends with lines of signatures, each with a newline.")
    split = lines[:-1].split("\n")
    if len(split) > _MOST_SIGNATURES:
        raise NoteMalformed(f"A note has {_MOST_SIGNATURES} signatures at most.")
    return Note(text, tuple(map(parse_signature, split)))


def _parts(note: str | bytes) -> tuple[str, str]:
    if len(note) > LARGEST_NOTE:
        raise NoteMalformed(f"A note has {LARGEST_NOTE} bytes at most.")
    try:
        whole = note.decode() if isinstance(note, bytes) else note.encode().decode()
    except UnicodeError:
        raise NoteMalformed("A note is text in UTF-8.") from None
    if any(each < " " and each != "\n" for each in whole):
        raise NoteMalformed("A note has no control characters but newlines.")
    before, separator, lines = whole.rpartition("\n\n")
    if not separator:
        raise NoteMalformed("A note has a blank line between its text and its signatures.")
    return before + "\n", lines


def parse_signature(line: str) -> NoteSignature:
    """Read the line of a signature, without its newline.

    Raises: NoteMalformed.
    """
    name, separator, encoded = line.removeprefix(_PREFIX).partition(" ")
    if not line.startswith(_PREFIX) or not separator:
        raise NoteMalformed("The line of a signature has the form — <name> <base64>.")
    value = strict_base64(encoded)
    if len(value) < 5:
        raise NoteMalformed("A signature has four bytes of its key's id and at least one more.")
    return NoteSignature(valid_key_name(name), value[:4], value[4:])


def verify_note(note: Note, keys: Collection[VerificationKey]) -> Sequence[VerificationKey]:
    """Return the keys that have signed a note. Signatures of other keys are ignored.

    Raises: SignatureInvalid, if one names a given key and is not by it; SignerUnknown, if no given key has signed.
    """
    known = {key.identity: key for key in keys}
    if len(known) != len(set(keys)):
        raise SignatureInvalid("Two different keys have the same name and the same id, so neither can be trusted.")
    signers = []
    for each in note.signatures:
        key = known.get(each.identity)
        if key is None:
            continue
        if not key.accepts(note.text, each.signature):
            raise SignatureInvalid(f"The signature of {key.name} ({each.key_id.hex()}) does not fit the note.")
        signers.append(key)
    if not signers:
        raise SignerUnknown("None of the keys that you trust has signed this note.")
    return signers


def sign_note(text: str, name: str, private_key: Ed25519PrivateKey) -> str:
    """Return a note with one signature.

    Raises: NoteMalformed, if the text or the name can't stand in a note.
    """
    public_key = private_key.public_key().public_bytes_raw()
    signature = NoteSignature(name, key_id(name, public_key, ED25519), private_key.sign(text.encode()))
    return str(parse_note(str(Note(text, (signature,)))))


def cosign_text(text: str, name: str, private_key: Ed25519PrivateKey, *, time: int) -> NoteSignature:
    """Return a witness's signature of a checkpoint's text, made at ``time`` (seconds since 1970)."""
    public_key = private_key.public_key().public_bytes_raw()
    signed = private_key.sign(cosigned_text(text, time).encode())
    return NoteSignature(name, key_id(name, public_key, ED25519_COSIGNATURE), time.to_bytes(8) + signed)


def with_signatures(note: Note, signatures: Collection[NoteSignature]) -> Note:
    """Return a note with further signatures behind its own, each once."""
    return Note(note.text, tuple(dict.fromkeys([*note.signatures, *signatures])))
