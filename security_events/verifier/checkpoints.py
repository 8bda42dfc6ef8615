"""Checkpoints of a log (C2SP tlog-checkpoint v1.0.0): origin, size and root of a tree, as the text of a signed note."""

import base64
import re
from collections.abc import Collection
from typing import NamedTuple

from security_events.verifier.errors import NoteMalformed, SignatureInvalid
from security_events.verifier.keys import ED25519, VerificationKey, strict_base64
from security_events.verifier.merkle import HASH_BYTES
from security_events.verifier.notes import Note, parse_note, verify_note

_DECIMAL = re.compile(r"0|[1-9][0-9]{0,18}", re.ASCII)
_LARGEST_SIZE = 2**63 - 1  # what the readers of others can hold


class Checkpoint(NamedTuple):
    """What a log says of its tree at one size."""

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()


def checkpoint_body(checkpoint: Checkpoint) -> str:
    """Return the text that is signed.

    Raises: NoteMalformed.
    """
    root = base64.b64encode(checkpoint.root).decode()
    lines = [checkpoint.origin, str(checkpoint.size), root, *checkpoint.extensions]
    text = "".join(f"{line}\n" for line in lines)
    if parse_checkpoint(text) != checkpoint:
        raise NoteMalformed("A line of a checkpoint has no newline inside.")
    return text


def parse_checkpoint(text: str) -> Checkpoint:
    """Read the text of a checkpoint, without its signatures.

    Raises: NoteMalformed.
    """
    lines = text.split("\n")
    if len(lines) < 4 or lines.pop() or not all(lines):
        raise NoteMalformed("A checkpoint has at least three lines (origin, size and root), and no empty line.")
    root = strict_base64(lines[2])
    if len(root) != HASH_BYTES:
        raise NoteMalformed("The root of a checkpoint has 32 bytes.")
    return Checkpoint(lines[0], parse_size(lines[1]), root, tuple(lines[3:]))


def open_checkpoint(note: str | bytes | Note, keys: Collection[VerificationKey], *, origin: str = "") -> Checkpoint:
    """Return what a signed note says, after its signature by a log's key was verified.

    A cosignature alone is not enough. ``origin`` is the log that is expected; without one, it is the name of the key.

    Raises: NoteMalformed, SignatureInvalid, SignerUnknown.
    """
    parsed = note if isinstance(note, Note) else parse_note(note)
    signers = verify_note(parsed, [key for key in keys if key.type == ED25519])
    checkpoint = parse_checkpoint(parsed.text)
    if checkpoint.origin not in ({origin} if origin else {key.name for key in signers}):
        raise SignatureInvalid(f"The checkpoint is one of another log, {checkpoint.origin}.")
    return checkpoint


def parse_size(text: str) -> int:
    """Read the size of a tree, or an index: a decimal number without leading zeros.

    Raises: NoteMalformed.
    """
    if not _DECIMAL.fullmatch(text) or int(text) > _LARGEST_SIZE:
        raise NoteMalformed("A size is a decimal number without leading zeros, below 2**63.")
    return int(text)
