"""A small trail without a database: events, a tree, and checkpoints by two keys, the second from the middle on."""

from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from security_events.event_form import MEMBERS, canonical_bytes
from security_events.verifier import (
    Checkpoint,
    VerificationKey,
    checkpoint_body,
    leaf_hash,
    sign_note,
    tree_root,
)
from security_events.verifier.exports.tree_files import TreeLine
from security_events.verifier.exports.verification import companion, verify_export
from security_events.verifier.trust import TrustedKey, judge_checkpoint

ORIGIN = "trail.example"
SIZES = (7, 16, 17, 30, 40)
ROTATED_AT = 17
PRIVATE = [Ed25519PrivateKey.from_private_bytes(bytes([each]) * 32) for each in (1, 2)]
KEYS = [VerificationKey(ORIGIN, each.public_key().public_bytes_raw()) for each in PRIVATE]
TRUSTED = [TrustedKey(KEYS[0], 0, ROTATED_AT), TrustedKey(KEYS[1], ROTATED_AT)]


def event_id(index):
    return str(UUID(int=0x01900000_0000_7000_8000_000000000000 + index))


def event(index, **changed):
    form = dict.fromkeys(MEMBERS)
    form |= {"id": event_id(index), "type": "auth.login.succeeded", "risk_score": index, "data": {"text": "سلام\n"}}
    return canonical_bytes({**form, **changed})


EVENTS = [event(each) for each in range(SIZES[-1])]
LEAVES = [leaf_hash(each) for each in EVENTS]


def note(size, *, leaves=LEAVES, key=None):
    """Return the checkpoint of a size, signed by the key that was in use at it."""
    signer = PRIVATE[size > ROTATED_AT] if key is None else PRIVATE[key]
    return sign_note(checkpoint_body(Checkpoint(ORIGIN, size, tree_root(leaves[:size]))), ORIGIN, signer)


class Export:
    """The three files of an export, as lists that a test changes before they are written."""

    def __init__(self, path):
        self.path = path
        self.events = list(EVENTS)
        self.tree = [TreeLine(0, at, leaf, event_id(at)) for at, leaf in enumerate(LEAVES)]
        self.notes = [note(size) for size in SIZES]

    def write(self):
        self.path.write_bytes(b"".join(each + b"\n" for each in self.events))
        companion(self.path, "tree").write_text("".join(map(str, self.tree)))
        companion(self.path, "checkpoint").write_text("".join(self.notes))
        return self.path

    def verify(self, *, outside=(), keys=TRUSTED):
        self.write()
        return self.verify_written(outside=outside, keys=keys)

    def verify_written(self, *, outside=(), keys=TRUSTED):
        return verify_export(
            self.path,
            checkpoints=[judge_checkpoint(each, keys) for each in self.notes],
            outside=[judge_checkpoint(each, keys) for each in outside],
        )
