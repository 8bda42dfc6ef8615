"""Trees against the definition of RFC 6962 itself, and proofs against every change of one."""

import hashlib

import pytest

from security_events.verifier import (
    EMPTY_ROOT,
    ProofInvalid,
    TreeEdge,
    leaf_hash,
    node_hash,
    tree_root,
    verify_consistency,
    verify_inclusion,
)

LEAVES = [leaf_hash(bytes([each])) for each in range(20)]
SIZES = range(1, len(LEAVES) + 1)


def split(size):
    return 1 << (size - 1).bit_length() - 1


def root(leaves):  # RFC 6962, 2.1
    if len(leaves) < 2:
        return leaves[0] if leaves else hashlib.sha256().digest()
    k = split(len(leaves))
    return node_hash(root(leaves[:k]), root(leaves[k:]))


def path(index, leaves):  # RFC 6962, 2.1.1
    if len(leaves) == 1:
        return []
    k = split(len(leaves))
    if index < k:
        return [*path(index, leaves[:k]), root(leaves[k:])]
    return [*path(index - k, leaves[k:]), root(leaves[:k])]


def consistency(size, leaves, *, whole=True):  # RFC 6962, 2.1.2
    if size == len(leaves):
        return [] if whole else [root(leaves)]
    k = split(len(leaves))
    if size <= k:
        return [*consistency(size, leaves[:k], whole=whole), root(leaves[k:])]
    return [*consistency(size - k, leaves[k:], whole=False), root(leaves[:k])]


def accepts(verify, **arguments):
    try:
        verify(**arguments)
    except ProofInvalid:
        return False
    return True


class TestTreeEdge:
    def test_has_the_root_of_the_definition_at_each_size(self):
        edge = TreeEdge()
        assert edge.root() == root([]) == EMPTY_ROOT
        for size in SIZES:
            edge.append(LEAVES[size - 1])
            assert edge.root() == root(LEAVES[:size]) == tree_root(LEAVES[:size])

    def test_takes_whole_subtrees_where_they_fit(self):
        edge = TreeEdge()
        edge.append(root(LEAVES[:8]), level=3)
        edge.append(root(LEAVES[8:12]), level=2)
        with pytest.raises(ValueError, match="level 3"):
            edge.append(LEAVES[12], level=3)
        assert (edge.size, edge.root()) == (12, root(LEAVES[:12]))


class TestVerifyInclusion:
    def test_accepts_exactly_the_proofs_of_the_definition(self):
        for size in SIZES:
            of_tree = {"size": size, "root": root(LEAVES[:size])}
            for index in range(size):
                proof = path(index, LEAVES[:size])
                assert accepts(verify_inclusion, index=index, leaf=LEAVES[index], hashes=proof, **of_tree)
                wrong = [proof[1:], [*proof, LEAVES[0]], proof[:-1], proof[::-1], [b"short", *proof[1:]]]
                for each in (each for each in wrong if each != proof):
                    assert not accepts(verify_inclusion, index=index, leaf=LEAVES[index], hashes=each, **of_tree)
                for other in {*range(-1, size + 2)} - {index}:
                    assert not accepts(verify_inclusion, index=other, leaf=LEAVES[index], hashes=proof, **of_tree)


class TestVerifyConsistency:
    def test_accepts_exactly_the_proofs_of_the_definition(self):
        for size in SIZES:
            new = (size, root(LEAVES[:size]))
            for older in range(1, size + 1):
                old, proof = (older, root(LEAVES[:older])), consistency(older, LEAVES[:size])
                assert accepts(verify_consistency, old=old, new=new, hashes=proof)
                wrong = [proof[1:], [*proof, LEAVES[0]], proof[:-1], proof[::-1], [*proof[:-1], LEAVES[0]]]
                for each in (each for each in wrong if each != proof):
                    assert not accepts(verify_consistency, old=old, new=new, hashes=each)
                assert not accepts(verify_consistency, old=(older, LEAVES[0][::-1]), new=new, hashes=proof)
                assert not accepts(verify_consistency, old=old, new=(size, LEAVES[0][::-1]), hashes=proof)

    def test_needs_no_proof_for_the_empty_and_for_the_same_tree(self):
        new = (3, root(LEAVES[:3]))
        assert accepts(verify_consistency, old=(0, EMPTY_ROOT), new=new, hashes=[])
        assert not accepts(verify_consistency, old=(0, LEAVES[0]), new=new, hashes=[])
        assert not accepts(verify_consistency, old=(0, EMPTY_ROOT), new=new, hashes=[LEAVES[0]])
        assert not accepts(verify_consistency, old=new, new=(3, LEAVES[0]), hashes=[])
        assert not accepts(verify_consistency, old=(4, LEAVES[0]), new=new, hashes=[])
