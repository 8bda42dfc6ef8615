"""Verification of the trail by anybody, without Django: Merkle trees, signed notes, checkpoints, proofs and exports.

It needs nothing but the standard library and ``cryptography``. ``python -m security_events.verifier --help`` says how
to verify an export.
"""

from security_events.verifier.checkpoints import (
    Checkpoint,
    checkpoint_body,
    open_checkpoint,
    parse_checkpoint,
    parse_size,
)
from security_events.verifier.errors import (
    NoteMalformed,
    ProofInvalid,
    SignatureInvalid,
    SignerUnknown,
    VerificationError,
)
from security_events.verifier.keys import (
    ED25519,
    ED25519_COSIGNATURE,
    VerificationKey,
    cosignature_time,
    key_id,
    parse_verification_key,
    verification_key,
)
from security_events.verifier.merkle import (
    EMPTY_ROOT,
    TreeEdge,
    leaf_hash,
    node_hash,
    tree_root,
    verify_consistency,
    verify_inclusion,
)
from security_events.verifier.notes import (
    Note,
    NoteSignature,
    cosign_text,
    parse_note,
    parse_signature,
    sign_note,
    verify_note,
    with_signatures,
)
from security_events.verifier.proofs import (
    InclusionProof,
    hash_lines,
    parse_hashes,
    parse_proof,
    proof_file,
    verify_proof,
)

__all__ = [
    "ED25519",
    "ED25519_COSIGNATURE",
    "EMPTY_ROOT",
    "Checkpoint",
    "InclusionProof",
    "Note",
    "NoteMalformed",
    "NoteSignature",
    "ProofInvalid",
    "SignatureInvalid",
    "SignerUnknown",
    "TreeEdge",
    "VerificationError",
    "VerificationKey",
    "checkpoint_body",
    "cosign_text",
    "cosignature_time",
    "hash_lines",
    "key_id",
    "leaf_hash",
    "node_hash",
    "open_checkpoint",
    "parse_checkpoint",
    "parse_hashes",
    "parse_note",
    "parse_proof",
    "parse_signature",
    "parse_size",
    "parse_verification_key",
    "proof_file",
    "sign_note",
    "tree_root",
    "verification_key",
    "verify_consistency",
    "verify_inclusion",
    "verify_note",
    "verify_proof",
    "with_signatures",
]
