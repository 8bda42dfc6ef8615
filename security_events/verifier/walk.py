"""One walk over the leaves of a trail, which compares each checkpoint with the tree when it is reached."""

import copy
import heapq
from collections.abc import Iterable
from dataclasses import replace

from security_events.verifier.merkle import TreeEdge
from security_events.verifier.reports import (
    FORK,
    LEAF_CHANGED,
    REMOVED,
    ROLLBACK,
    WRONG_ROOT,
    Finding,
)
from security_events.verifier.trust import JudgedCheckpoint


class TrailWalk:
    """The walk. ``finding`` is the first thing that is wrong, as soon as it is certain; then nothing more counts.

    An event that does not fit its stored leaf leaves open which of them was changed. The next checkpoint decides: both
    trees are built up to there, and the one that has the signed root is right.
    """

    def __init__(self, checkpoints: Iterable[JudgedCheckpoint], outside: Iterable[JudgedCheckpoint] = ()) -> None:
        """Take the trail's own checkpoints, the smallest first, and those that were kept elsewhere."""
        own = ((each.size, False, each) for each in checkpoints)
        others = ((each.size, True, each) for each in sorted(outside, key=lambda each: each.size))
        self._checkpoints = heapq.merge(own, others, key=lambda each: each[:2])
        self._ahead = next(self._checkpoints, None)
        self._edge = TreeEdge()
        self._of_events: TreeEdge | None = None
        self._suspicion: Finding | None = None
        self._event_id: str | None = None
        self.finding: Finding | None = None
        self.last_verified = 0
        """The size of the newest checkpoint that fits."""
        self.newest_outside: int | None = None
        """The size of the newest one from outside that fits."""
        self._meet_checkpoints()

    @property
    def size(self) -> int:
        """How many leaves were walked over."""
        return self._edge.size

    @property
    def next_size(self) -> int | None:
        """The size of the next checkpoint."""
        return self._ahead[0] if self._ahead else None

    @property
    def is_undecided(self) -> bool:
        """Whether something is wrong and the next checkpoint will tell what."""
        return self._suspicion is not None and self.finding is None

    def append(self, leaf: bytes, *, level: int = 0) -> None:
        """Walk over a leaf whose event fits or is not there, or over a subtree."""
        self._edge.append(leaf, level=level)
        if self._of_events is not None:
            self._of_events.append(leaf, level=level)
        if self._ahead and self._edge.size >= self._ahead[0]:
            self._meet_checkpoints()

    def append_differing(
        self, leaf: bytes, *, suspicion: Finding, of_event: bytes | None, event_id: str | None = None
    ) -> None:
        """Walk over a leaf that the event at its place does not fit; ``suspicion`` is what that looks like.

        ``of_event`` and ``event_id`` are the hash and the id of that event, if there is one.
        """
        if self._of_events is None:
            self._of_events, self._event_id = copy.deepcopy(self._edge), event_id
            self._suspicion = suspicion
        self._edge.append(leaf)
        self._of_events.append(of_event or leaf)
        self._meet_checkpoints()

    def finish(self, *, has_tree: bool) -> None:
        """Say that there are no more leaves. With ``has_tree``, they are those of the tree: the next one is gone."""
        if self.finding is None:
            self.finding = self._suspicion
        if self.finding is not None or self._ahead is None:
            return
        size, is_outside, judged = self._ahead
        if has_tree and not is_outside:
            self.finding = judged.finding or Finding("event", None, self._edge.size, REMOVED)
        else:
            reason = ROLLBACK if is_outside else WRONG_ROOT
            self.finding = judged.finding or Finding("checkpoint", str(size), size, reason)

    def _meet_checkpoints(self) -> None:
        while self._ahead and self._ahead[0] <= self._edge.size and self.finding is None:
            size, is_outside, judged = self._ahead
            self._ahead = next(self._checkpoints, None)
            self._meet(size, judged, is_outside=is_outside)

    def _meet(self, size: int, judged: JudgedCheckpoint, *, is_outside: bool) -> None:
        if judged.finding is not None or judged.checkpoint is None:
            self.finding = self._suspicion or judged.finding
            return
        if size < self._edge.size:
            return  # inside a subtree of which only the root remains
        is_root_of_leaves = self._edge.root() == judged.checkpoint.root
        if self._suspicion is not None:
            is_root_of_events = self._of_events is not None and self._of_events.root() == judged.checkpoint.root
            is_leaf_wrong = is_root_of_events and not is_root_of_leaves
            found = self._suspicion
            self.finding = replace(found, id=self._event_id, reason=LEAF_CHANGED) if is_leaf_wrong else found
        elif is_root_of_leaves:
            self.last_verified = size
            self.newest_outside = size if is_outside else self.newest_outside
        else:
            self.finding = Finding("checkpoint", str(size), size, FORK if is_outside else WRONG_ROOT)
