"""The incremental tree against RFC 6962 as it is written down, and proofs against the verifier."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import settings as budget
from hypothesis import strategies as st

from security_events.trail.tree_shape import (
    GrowingTree,
    Leaves,
    Subtree,
    consistency_path,
    edge_subtrees,
    inclusion_path,
    run_root,
    stored_subtrees,
)
from security_events.verifier import leaf_hash, verify_consistency, verify_inclusion
from tests.budgets import examples

LARGEST = 700
CONTENTS = [str(number).encode() for number in range(LARGEST)]
HASHES = [leaf_hash(content) for content in CONTENTS]


def naive_root(contents):
    """RFC 6962, 2.1, word for word."""
    if not contents:
        return hashlib.sha256(b"").digest()
    if len(contents) == 1:
        return hashlib.sha256(b"\x00" + contents[0]).digest()
    split = 1
    while split * 2 < len(contents):
        split *= 2
    return hashlib.sha256(b"\x01" + naive_root(contents[:split]) + naive_root(contents[split:])).digest()


def grown(splits):
    """Append leaves in batches; each batch takes up the tree from what is stored, as a sealer does."""
    stored = {}
    size = 0
    for end in splits:
        tree = GrowingTree(size, {subtree: stored[subtree] for subtree in edge_subtrees(size)})
        new = HASHES[size:end]
        stored.update({Subtree(0, size + at): hash_ for at, hash_ in enumerate(new)})
        complete = tree.append(new)
        assert not complete.keys() & stored.keys()
        stored.update(complete)
        size = end
    return tree, stored


batches = st.lists(st.integers(1, LARGEST), min_size=1, max_size=6, unique=True).map(sorted)


@pytest.mark.property
class TestGrowingTree:
    @given(batches)
    @budget(max_examples=examples(0.5))
    def test_has_the_root_of_the_naive_tree_however_it_grew(self, splits):
        tree, stored = grown(splits)

        assert tree.root() == naive_root(CONTENTS[: splits[-1]])
        assert run_root(Leaves(0, splits[-1]), stored) == tree.root()

    @given(batches)
    @budget(max_examples=examples(0.2))
    def test_stores_the_complete_subtrees_of_each_fourth_level(self, splits):
        _tree, stored = grown(splits)
        size = splits[-1]

        assert stored.keys() == {Subtree(level, position) for level in (0, 4, 8) for position in range(size >> level)}
        for level, position in stored:
            assert stored[level, position] == naive_root(CONTENTS[position << level : (position + 1) << level])


@pytest.mark.property
class TestPaths:
    @given(st.data())
    @budget(max_examples=examples(1))
    def test_prove_each_leaf(self, data):
        size = data.draw(st.integers(1, LARGEST))
        index = data.draw(st.integers(0, size - 1))
        tree, stored = grown([size])

        proof = [run_root(run, stored) for run in inclusion_path(index, size)]

        verify_inclusion(index=index, size=size, leaf=HASHES[index], hashes=proof, root=tree.root())

    @given(st.data())
    @budget(max_examples=examples(1))
    def test_prove_that_one_tree_continues_another(self, data):
        size = data.draw(st.integers(1, LARGEST))
        old = data.draw(st.integers(1, size))
        tree, stored = grown(sorted({old, size}))

        proof = [run_root(run, stored) for run in consistency_path(old, size)]

        old_tree = (old, naive_root(CONTENTS[:old]))
        verify_consistency(old=old_tree, new=(size, tree.root()), hashes=proof)


class TestConsistencyPath:
    def test_is_empty_from_nothing_and_from_the_same_size(self):
        assert list(consistency_path(0, 9)) == list(consistency_path(9, 9)) == []


class TestStoredSubtrees:
    def test_are_few_whatever_the_size(self):
        for size in (10, 10**4, 10**8, 2**40 - 1):
            rows = sum(len(stored_subtrees(run)) for run in inclusion_path(size // 3, size))
            assert rows <= 2 * 15 * (size.bit_length() // 4 + 1)
            assert len(edge_subtrees(size)) <= 15 * (size.bit_length() // 4 + 1)
