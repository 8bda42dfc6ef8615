"""Merkle trees of RFC 6962: hashes, roots, and the verification of proofs."""

import hashlib
from collections.abc import Iterable, Sequence

from security_events.verifier.errors import ProofInvalid

HASH_BYTES = 32
EMPTY_ROOT = hashlib.sha256(b"").digest()  # RFC 6962, 2.1


def leaf_hash(data: bytes) -> bytes:
    """Return the hash of a leaf. RFC 6962, 2.1."""
    return hashlib.sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of an inner node. RFC 6962, 2.1."""
    return hashlib.sha256(b"\x01" + left + right).digest()


class TreeEdge:
    """The right edge of a growing tree: the roots of its complete subtrees, the largest one first.

    It has one hash for each bit that is set in ``size``. That is enough to append and to compute the root.
    """

    def __init__(self) -> None:
        self.size = 0
        self._roots: list[tuple[int, bytes]] = []

    def append(self, hash_: bytes, *, level: int = 0) -> None:
        """Append a leaf, or the root of a complete subtree of ``2**level`` leaves.

        Raises: ValueError, if the subtree does not begin at a multiple of its own size.
        """
        if self.size % (1 << level):
            raise ValueError(f"A subtree of level {level} can't begin at leaf {self.size}.")
        self.size += 1 << level
        while self._roots and self._roots[-1][0] == level:
            hash_ = node_hash(self._roots.pop()[1], hash_)
            level += 1
        self._roots.append((level, hash_))

    def root(self) -> bytes:
        """Return the root of all that was appended."""
        if not self._roots:
            return EMPTY_ROOT
        root = self._roots[-1][1]
        for _, left in reversed(self._roots[:-1]):
            root = node_hash(left, root)
        return root


def tree_root(leaf_hashes: Iterable[bytes]) -> bytes:
    """Return the root of a tree, given the hashes of its leaves."""
    edge = TreeEdge()
    for each in leaf_hashes:
        edge.append(each)
    return edge.root()


def verify_inclusion(*, index: int, size: int, leaf: bytes, hashes: Sequence[bytes], root: bytes) -> None:
    """Verify that a leaf hash stands at an index (from 0) of the tree of a size. RFC 9162, 2.1.3.2.

    Raises: ProofInvalid.
    """
    if not 0 <= index < size:
        raise ProofInvalid(f"There is no leaf {index} in a tree of size {size}.")
    _require_hashes([leaf, root, *hashes])
    first, last, computed = index, size - 1, leaf
    for each in hashes:
        if last == 0:
            raise ProofInvalid("The inclusion proof is too long.")
        if first & 1 or first == last:
            computed = node_hash(each, computed)
            first, last = _without_zeros(first, last)
        else:
            computed = node_hash(computed, each)
        first, last = first >> 1, last >> 1
    if last:
        raise ProofInvalid("The inclusion proof is too short.")
    if computed != root:
        raise ProofInvalid(f"The inclusion proof of leaf {index} does not lead to the root of size {size}.")


def verify_consistency(*, old: tuple[int, bytes], new: tuple[int, bytes], hashes: Sequence[bytes]) -> None:
    """Verify that the tree ``new`` (size, root) begins with the whole tree ``old``. RFC 9162, 2.1.4.2.

    Raises: ProofInvalid.
    """
    (old_size, old_root), (new_size, new_root) = old, new
    if not 0 <= old_size <= new_size:
        raise ProofInvalid(f"A tree of size {new_size} can't begin with one of size {old_size}.")
    _require_hashes([old_root, new_root, *hashes])
    if old_size in {0, new_size}:
        _verify_without_hashes(old, new, hashes)
        return
    # The root of a complete old tree is not repeated in the proof.
    path = list(hashes) if old_size & (old_size - 1) else [old_root, *hashes]
    if not path:
        raise ProofInvalid("The consistency proof is too short.")
    first, last = old_size - 1, new_size - 1
    while first & 1:
        first, last = first >> 1, last >> 1
    of_old = of_new = path[0]
    for each in path[1:]:
        if last == 0:
            raise ProofInvalid("The consistency proof is too long.")
        if first & 1 or first == last:
            of_old, of_new = node_hash(each, of_old), node_hash(each, of_new)
            first, last = _without_zeros(first, last)
        else:
            of_new = node_hash(of_new, each)
        first, last = first >> 1, last >> 1
    if last:
        raise ProofInvalid("The consistency proof is too short.")
    if (of_old, of_new) != (old_root, new_root):
        raise ProofInvalid(f"The consistency proof does not lead from size {old_size} to size {new_size}.")


def _without_zeros(first: int, last: int) -> tuple[int, int]:
    while first and not first & 1:
        first, last = first >> 1, last >> 1
    return first, last


def _verify_without_hashes(old: tuple[int, bytes], new: tuple[int, bytes], hashes: Sequence[bytes]) -> None:
    if hashes:
        raise ProofInvalid("The consistency proof is too long.")
    if old[0] == 0 and old[1] != EMPTY_ROOT:
        raise ProofInvalid("The root of the empty tree is the hash of nothing.")
    if old[0] == new[0] and old[1] != new[1]:
        raise ProofInvalid(f"There are two roots of size {old[0]}.")


def _require_hashes(hashes: Sequence[bytes]) -> None:
    if any(len(each) != HASH_BYTES for each in hashes):
        raise ProofInvalid("A hash of a proof has 32 bytes.")
