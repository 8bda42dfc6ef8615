"""Which complete subtrees a growing Merkle tree (RFC 6962, 2.1) stores, and which ones a proof consists of.

The subtree at ``position`` of a ``level`` covers ``2**level`` leaves, from ``position * 2**level`` on. Stored are those
of level 0, the leaves, and of each fourth level: a fifteenth more rows than leaves. Any other one is the root of eight
stored ones at most.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from security_events.verifier import TreeEdge, tree_root

LEVELS_APART = 4
CHILDREN = 1 << LEVELS_APART


class Subtree(NamedTuple):
    """Where a complete subtree stands in the tree."""

    level: int
    position: int


class Leaves(NamedTuple):
    """A run of leaves, from ``begin`` up to but without ``end``. It begins at a multiple of its largest subtree."""

    begin: int
    end: int


Hashes = Mapping[Subtree, bytes]


def inclusion_path(index: int, size: int) -> Sequence[Leaves]:
    """Return the runs whose roots prove the leaf of an index, the nearest one first (RFC 6962, 2.1.1)."""
    begin, end = 0, size
    path = []
    while end - begin > 1:
        middle = begin + _left_size(end - begin)
        if index < middle:
            path.append(Leaves(middle, end))
            end = middle
        else:
            path.append(Leaves(begin, middle))
            begin = middle
    return path[::-1]


def consistency_path(old: int, size: int) -> Sequence[Leaves]:
    """Return the runs whose roots prove that a tree grew from ``old`` leaves to ``size`` (RFC 6962, 2.1.2)."""
    if old == 0:
        return []
    begin, end = 0, size
    path = []
    while old != end:
        middle = begin + _left_size(end - begin)
        if old <= middle:
            path.append(Leaves(middle, end))
            end = middle
        else:
            path.append(Leaves(begin, middle))
            begin = middle
    if begin:  # otherwise it is the old tree itself, whose root the verifier has
        path.append(Leaves(begin, end))
    return path[::-1]


def stored_subtrees(run: Leaves) -> list[Subtree]:
    """Return the stored subtrees that a run consists of, from left to right."""
    stored = []
    for level, position in _complete_subtrees(run):
        above = level % LEVELS_APART
        first = position << above
        stored += [Subtree(level - above, each) for each in range(first, first + (1 << above))]
    return stored


def edge_subtrees(size: int) -> list[Subtree]:
    """Return the stored subtrees at the right edge: those that are not part of a larger stored one."""
    return stored_subtrees(Leaves(0, size))


def run_root(run: Leaves, hashes: Hashes) -> bytes:
    """Return the root of a run, given the hashes of its stored subtrees.

    Raises: KeyError for a hash that is missing.
    """
    edge = TreeEdge()
    for subtree in stored_subtrees(run):
        edge.append(hashes[subtree], level=subtree.level)
    return edge.root()


class GrowingTree:
    """The right edge of a tree: at most 15 hashes for each stored level. It is all that appending needs."""

    def __init__(self, size: int, hashes: Hashes) -> None:
        """Take up a tree of ``size`` leaves, given the hashes of ``edge_subtrees(size)``.

        Raises: KeyError for a hash that is missing.
        """
        self.size = size
        self._edge: dict[int, list[bytes]] = {}
        for subtree in edge_subtrees(size):
            self._edge.setdefault(subtree.level, []).append(hashes[subtree])

    def append(self, leaf_hashes: Iterable[bytes]) -> dict[Subtree, bytes]:
        """Append leaves. Return the stored subtrees that became complete, without the leaves."""
        new = list(leaf_hashes)
        first, self.size = self.size, self.size + len(new)
        complete: dict[Subtree, bytes] = {}
        level = 0
        while new:
            first -= len(self._edge.get(level, ()))
            hashes = self._edge.get(level, []) + new
            groups = len(hashes) // CHILDREN
            new = [tree_root(hashes[at * CHILDREN : (at + 1) * CHILDREN]) for at in range(groups)]
            self._edge[level] = hashes[groups * CHILDREN :]
            first, level = first // CHILDREN, level + LEVELS_APART
            complete.update({Subtree(level, first + at): hash_ for at, hash_ in enumerate(new)})
        return complete

    def root(self) -> bytes:
        """Return the root of the tree."""
        edge = TreeEdge()
        for level in sorted(self._edge, reverse=True):
            for hash_ in self._edge[level]:
                edge.append(hash_, level=level)
        return edge.root()


def _left_size(size: int) -> int:
    """Return the largest power of two below a size."""
    return 1 << ((size - 1).bit_length() - 1)


def _complete_subtrees(run: Leaves) -> Iterable[Subtree]:
    begin = run.begin
    while begin < run.end:
        level = (run.end - begin).bit_length() - 1
        yield Subtree(level, begin >> level)
        begin += 1 << level
