"""The queue in front of the hashing threads, shared fairly between client networks.

Work is taken from all networks in turn, within a network from its smaller networks in turn, and so on down to single
addresses. A thousand requests from one network therefore delay another network by one turn, not by a thousand.
"""

from collections import deque
from collections.abc import Mapping, Sequence
from typing import Generic, TypeVar

T = TypeVar("T")


class FairQueue(Generic[T]):
    """Items under paths of names, from the largest network to the smallest. First in, first out under one path.

    ``every`` gives a first name of a path a fixed share, one of so many turns. Not thread-safe: the caller has a lock.
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
        """Remove and return the newest item of the network with most items, and within it of its largest part, etc.

        If several networks have most items, the one of ``path`` is chosen. The first ``within`` names of ``path`` limit
        the search to that network.
        """
        return _drop(self._root, tuple(path), within)

    def remove(self, item: T, *, path: Sequence[str]) -> bool:
        """Remove an item from under a path; ``False`` when it is not there any more."""
        return _remove(self._root, item, tuple(path))


class _Branch(Generic[T]):
    __slots__ = ("branches", "items", "size")

    def __init__(self) -> None:
        self.size = 0
        # In the order of their turns. A branch that had its turn goes to the end.
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
