"""What a witness answers (C2SP tlog-witness v1.0.0, "add-checkpoint" and "Monitor Retrieval Mechanism")."""

import re
from collections.abc import Collection
from typing import NamedTuple

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from security_events.verifier import (
    Checkpoint,
    Note,
    NoteMalformed,
    ProofInvalid,
    SignatureInvalid,
    SignerUnknown,
    VerificationKey,
    cosign_text,
    parse_checkpoint,
    parse_hashes,
    parse_note,
    parse_size,
    verify_consistency,
    verify_note,
    with_signatures,
)
from security_events.verifier.merkle import EMPTY_ROOT
from security_events.witness.cosigned_checkpoints import CosignedCheckpoints, origin_hash

LARGEST_REQUEST = 256 * 1024  # bytes: 63 hashes, and a checkpoint with some dozens of long signatures
_MONITORED = re.compile(r"/([0-9a-f]{64})/checkpoint")


class WitnessAnswer(NamedTuple):
    """An answer by HTTP."""

    status: int
    body: str
    content_type: str = "text/plain; charset=utf-8"


class _Offer(NamedTuple):
    old: int
    hashes: tuple[bytes, ...]
    note: Note
    checkpoint: Checkpoint


class Witness:
    """A witness of some logs. Each call may run in a thread or a process of its own."""

    def __init__(
        self,
        *,
        name: str,
        private_key: Ed25519PrivateKey,
        logs: Collection[VerificationKey],
        checkpoints: CosignedCheckpoints,
    ) -> None:
        """Sign as ``name`` what the keys ``logs`` have signed. The name of a key is the origin of its log."""
        self._name = name
        self._private_key = private_key
        self._logs = logs
        self._checkpoints = checkpoints

    def add_checkpoint(self, body: bytes, *, time: int) -> WitnessAnswer:
        """Answer the offer of a checkpoint. ``time`` is in seconds since 1970.

        Raises: OSError, if it can't be stored; NoteMalformed, if the stored one can't be read. Then nothing is signed.
        """
        try:
            offer = _parsed(body)
        except NoteMalformed as error:
            return WitnessAnswer(400, f"{error}\n")
        keys = [key for key in self._logs if key.name == offer.checkpoint.origin]
        if not keys:
            return WitnessAnswer(404, "This log is not known here.\n")
        try:
            signers = verify_note(offer.note, keys)
        except (SignatureInvalid, SignerUnknown) as error:
            return WitnessAnswer(403, f"{error}\n")
        if offer.old > offer.checkpoint.size:
            return WitnessAnswer(400, "The old size is larger than that of the checkpoint.\n")
        identities = {key.identity for key in signers}
        verified = tuple(each for each in offer.note.signatures if each.identity in identities)
        with self._checkpoints.locked(offer.checkpoint.origin):
            return self._cosign(offer._replace(note=Note(offer.note.text, verified)), time=time)

    def checkpoint(self, path: str) -> WitnessAnswer:
        """Answer the request of a monitor for the newest checkpoint of a log.

        Raises: OSError.
        """
        match = _MONITORED.fullmatch(path)
        note = self._checkpoints.newest(match[1]) if match else None
        return (
            WitnessAnswer(404, "No checkpoint of this log was signed here.\n")
            if note is None
            else WitnessAnswer(200, note)
        )

    def _cosign(self, offer: _Offer, *, time: int) -> WitnessAnswer:
        stored = self._checkpoints.newest(origin_hash(offer.checkpoint.origin))
        # A file that is empty or broken is no sign that nothing was signed: it must not be taken for a new log.
        newest = Checkpoint("", 0, EMPTY_ROOT) if stored is None else parse_checkpoint(parse_note(stored).text)
        if offer.old != newest.size:
            return WitnessAnswer(409, f"{newest.size}\n", "text/x.tlog.size")
        try:
            verify_consistency(old=(newest.size, newest.root), new=offer.checkpoint[1:3], hashes=offer.hashes)
        except ProofInvalid as error:
            return WitnessAnswer(422, f"{error}\n")
        signature = cosign_text(offer.note.text, self._name, self._private_key, time=time)
        self._checkpoints.replace(offer.checkpoint.origin, str(with_signatures(offer.note, [signature])))
        return WitnessAnswer(200, str(signature))


def _parsed(body: bytes) -> _Offer:
    if len(body) > LARGEST_REQUEST:
        raise NoteMalformed(f"A request has {LARGEST_REQUEST} bytes at most.")
    head, separator, rest = body.partition(b"\n\n")
    try:
        first, *lines = head.decode("ascii").split("\n")
    except UnicodeError:
        raise NoteMalformed("The lines before the checkpoint are ASCII.") from None
    if not separator or not first.startswith("old "):
        raise NoteMalformed("A request begins with old <size>, and has a blank line before the checkpoint.")
    note = parse_note(rest)
    return _Offer(parse_size(first.removeprefix("old ")), parse_hashes(lines), note, parse_checkpoint(note.text))
