"""The queue of what waits for a hashing thread, shared fairly between the networks that it comes from.

Work is taken from all networks in turn, from the smaller networks of each in turn, and so on down to single addresses.
Whoever sends a thousand requests from one network therefore delays another network by one turn, not by a thousand.
"""

from collections import deque
from collections.abc import Mapping, Sequence
from typing import Generic, TypeVar

T = TypeVar("T")


class FairQueue(Generic[T]):
    """Items under paths of names, from the largest network to the smallest; first in, first out under one path.

    The first name of a path may have a smaller part than an equal one: ``every`` says that it gets one of so many
    turns. Not safe for use by several threads; the caller holds a lock.
    """

    def __init__(self, every: Mapping[str, int] | None = None) -> None:
        self._root: _Branch[T] = _Branch()
        self._every = every or {}
        self._turn = 0

    def __len__(self) -> int:
        return self._root.size

    def size(self, path: Sequence[str]) -> int:
        """Return how many items wait under a path or the beginning of one."""
        branch = self._root
        for name in path:
            if name not in branch.branches:
                return 0
            branch = branch.branches[name]
        return branch.size

    def put(self, item: T, *, path: Sequence[str]) -> None:
        """Add an item. All paths that share their beginning must have the same length."""
        branch = self._root
        branch.size += 1
        for name in path:
            branch = branch.branches.setdefault(name, _Branch())
            branch.size += 1
        branch.items.append(item)

    def take(self) -> T:
        """Remove and return the item whose turn it is.

        Raises: StopIteration when the queue is empty.
        """
        self._turn += 1
        for name, every in self._every.items():
            branch = self._root.branches.pop(name, None)
            if branch is not None:
                is_first = self._turn % every == 0
                others = self._root.branches
                self._root.branches = {name: branch, **others} if is_first else {**others, name: branch}
        return _take(self._root)

    def drop(self, *, path: Sequence[str], within: int = 0) -> T:
        """Remove and return the newest item of the network that has most waiting, in that of its largest part, etc.

        Of networks that have equally many waiting it is the one that ``path`` belongs to, the newcomer's. The first
        ``within`` names of ``path`` say in which network to look.
        """
        return _drop(self._root, tuple(path), within)

    def remove(self, item: T, *, path: Sequence[str]) -> bool:
        """Remove an item that waits under a path; ``False`` when it does not wait any more."""
        return _remove(self._root, item, tuple(path))


class _Branch(Generic[T]):
    __slots__ = ("branches", "items", "size")

    def __init__(self) -> None:
        self.size = 0
        # In the order of their turns: whoever has had one goes to the end.
        self.branches: dict[str, _Branch[T]] = {}
        self.items: deque[T] = deque()


def _take(branch: _Branch[T]) -> T:
    if branch.items:
        item = branch.items.popleft()
    else:
        name = next(iter(branch.branches))
        child = branch.branches.pop(name)
        item = _take(child)
        if child.size:
            branch.branches[name] = child
    branch.size -= 1
    return item


def _drop(branch: _Branch[T], path: tuple[str, ...], within: int) -> T:
    branch.size -= 1
    if branch.items:
        return branch.items.pop()
    own = path[0] if path else ""
    most = max(child.size for child in branch.branches.values())
    name, rest = own, path[1:]
    if within == 0 and (own not in branch.branches or branch.branches[own].size < most):
        name, rest = next(name for name, child in branch.branches.items() if child.size == most), ()
    child = branch.branches[name]
    item = _drop(child, rest, max(0, within - 1))
    if not child.size:
        del branch.branches[name]
    return item


def _remove(branch: _Branch[T], item: T, path: tuple[str, ...]) -> bool:
    if not path:
        if item not in branch.items:
            return False
        branch.items.remove(item)
    else:
        child = branch.branches.get(path[0])
        if child is None or not _remove(child, item, path[1:]):
            return False
        if not child.size:
            del branch.branches[path[0]]
    branch.size -= 1
    return True
