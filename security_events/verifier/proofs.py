"""Files that prove one event (C2SP tlog-proof): its index, the hashes up to the root, and the signed checkpoint."""

import base64
from collections.abc import Collection
from dataclasses import dataclass

from security_events.verifier.checkpoints import Checkpoint, open_checkpoint, parse_size
from security_events.verifier.errors import NoteMalformed
from security_events.verifier.keys import VerificationKey, strict_base64
from security_events.verifier.merkle import HASH_BYTES, leaf_hash, verify_inclusion
from security_events.verifier.notes import LARGEST_NOTE

_HEADER = "c2sp.org/tlog-proof@v1"
MOST_HASHES = 63  # a tree has at most 2**63 - 1 leaves


@dataclass(frozen=True, slots=True)
class InclusionProof:
    """The content of a proof file."""

    index: int
    hashes: tuple[bytes, ...]
    checkpoint: str
    """The signed note, as it is."""
    extra: bytes = b""


def proof_file(proof: InclusionProof) -> str:
    """Return the text of a proof file."""
    extra = [f"extra {base64.b64encode(proof.extra).decode()}"] if proof.extra else []
    lines = [_HEADER, *extra, f"index {proof.index}", *hash_lines(proof.hashes)]
    return "\n".join([*lines, "", proof.checkpoint])


def parse_proof(text: str | bytes) -> InclusionProof:
    """Read a proof file without verifying it.

    Raises: NoteMalformed.
    """
    if len(text) > LARGEST_NOTE:
        raise NoteMalformed(f"A proof file has {LARGEST_NOTE} bytes at most.")
    try:
        whole = text.decode() if isinstance(text, bytes) else text
    except UnicodeError:
        raise NoteMalformed("A proof file is text in UTF-8.") from None
    head, separator, checkpoint = whole.partition("\n\n")
    lines = head.split("\n")
    if not separator or lines.pop(0) != _HEADER:
        raise NoteMalformed(f"A proof file begins with {_HEADER} and has a blank line before its checkpoint.")
    extra = b""
    if lines and lines[0].startswith("extra "):
        extra = strict_base64(lines.pop(0).removeprefix("extra "))
    if not lines or not lines[0].startswith("index "):
        raise NoteMalformed("A proof file has a line with the index of its leaf.")
    index = parse_size(lines.pop(0).removeprefix("index "))
    return InclusionProof(index, parse_hashes(lines), checkpoint, extra)


def verify_proof(
    proof: InclusionProof | str | bytes, data: bytes, keys: Collection[VerificationKey], *, origin: str = ""
) -> Checkpoint:
    """Verify that an event's canonical bytes stand in a log, and return the checkpoint that says so.

    Raises: NoteMalformed, SignatureInvalid, SignerUnknown, ProofInvalid.
    """
    parsed = proof if isinstance(proof, InclusionProof) else parse_proof(proof)
    checkpoint = open_checkpoint(parsed.checkpoint, keys, origin=origin)
    verify_inclusion(
        index=parsed.index,
        size=checkpoint.size,
        leaf=leaf_hash(data),
        hashes=parsed.hashes,
        root=checkpoint.root,
    )
    return checkpoint


def hash_lines(hashes: Collection[bytes]) -> list[str]:
    """Return the lines of a proof's hashes."""
    return [base64.b64encode(each).decode() for each in hashes]


def parse_hashes(lines: Collection[str]) -> tuple[bytes, ...]:
    """Read the lines of a proof's hashes.

    Raises: NoteMalformed.
    """
    hashes = tuple(map(strict_base64, lines))
    if len(hashes) > MOST_HASHES or any(len(each) != HASH_BYTES for each in hashes):
        raise NoteMalformed(f"A proof has {MOST_HASHES} hashes at most, each of 32 bytes.")
    return hashes
