"""Compare each stored leaf of the trail with the event that stands at its place."""

from collections.abc import Container, Iterator, Mapping
from typing import Any

from security_events.event_form import canonical_bytes
from security_events.selectors.sealing import trail_verification
from security_events.selectors.sealing.trail_verification import StoredLeaf
from security_events.verifier import leaf_hash
from security_events.verifier.reports import CHANGED, INSERTED, LEAF_CHANGED, REMOVED, REORDERED, Finding
from security_events.verifier.walk import TrailWalk

_NO_HASH = bytes(32)

Form = Mapping[str, Any]


class LeafComparison:
    """Two rows of the same things, side by side: the leaves by their indices, and the events in the trail's order."""

    def __init__(self, events: Iterator[Form], *, size: int, purged: Container[int] = ()) -> None:
        """Take the sealed events in the order of the trail, and the size of the newest checkpoint.

        ``purged`` are the indexes of the leaves whose events retention has deleted.
        """
        self._events = events
        self._size = size
        self._purged = purged
        self._event = next(events, None)
        self.checked = 0
        """How many events were compared."""
        self.first_checked: int | None = None
        """The index of the first one."""
        self.passed = 0
        """How many leaves behind it were passed because retention has deleted their events."""

    def compare(self, leaf: StoredLeaf, walk: TrailWalk) -> None:
        """Walk over a leaf, and over missing ones in front of it."""
        if leaf.place >= self._size and walk.finding is None:
            walk.finding = Finding("checkpoint", None, self._size, REMOVED)
        while walk.size < leaf.place and walk.finding is None:
            self._pass_missing_leaf(walk)
        if walk.finding is not None:
            return
        event = self._event
        if (event is None or event["id"] != leaf.event_id) and leaf.place in self._purged:
            walk.append(leaf.hash)
            self.passed += self.first_checked is not None
            return
        if self.first_checked is None:
            self.first_checked = leaf.place
        computed = None if event is None else leaf_hash(canonical_bytes(event))
        if event is not None and computed == leaf.hash and event["id"] == leaf.event_id:
            self._advance()
            walk.append(leaf.hash)
            return
        walk.append_differing(
            leaf.hash,
            suspicion=_changed(leaf) if walk.is_undecided else _explained(leaf, event, computed),
            of_event=computed,
            event_id=event["id"] if event else None,
        )
        self._advance()

    def compare_rest(self, walk: TrailWalk) -> None:
        """Say what is wrong with checkpoints or events that are left when all leaves were walked over."""
        while walk.finding is None and walk.next_size is not None and self._event is not None:
            self._pass_missing_leaf(walk)
        if walk.finding is None and self._event is not None and not walk.is_undecided:
            walk.finding = Finding("event", self._event["id"], walk.size, INSERTED)

    def _pass_missing_leaf(self, walk: TrailWalk) -> None:
        event = self._event
        if event is None and walk.size < self._size:
            walk.finding = Finding("event", None, walk.size, REMOVED)
            return
        event_id = event["id"] if event else None
        walk.append_differing(
            _NO_HASH,
            suspicion=Finding("event", event_id, walk.size, LEAF_CHANGED),
            of_event=None if event is None else leaf_hash(canonical_bytes(event)),
            event_id=event_id,
        )
        self._advance()

    def _advance(self) -> None:
        if self._event is not None:
            self._event = next(self._events, None)
            self.checked += 1


def _explained(leaf: StoredLeaf, event: Form | None, computed: bytes | None) -> Finding:
    """Return what the first difference looks like. Whether the leaf is wrong instead, the next checkpoint tells."""
    if event is not None and event["id"] == leaf.event_id:
        return _changed(leaf)
    if event is not None and computed == leaf.hash:
        return Finding("event", event["id"], leaf.place, LEAF_CHANGED)
    is_event_sealed = event is not None and trail_verification.leaf_of_event(event["id"]) is not None
    named = trail_verification.event_by_id(leaf.event_id)
    if named is None:
        is_replaced = event is not None and not is_event_sealed
        return _changed(leaf) if is_replaced else Finding("event", leaf.event_id, leaf.place, REMOVED)
    if leaf_hash(canonical_bytes(named)) != leaf.hash:
        return _changed(leaf)
    if event is not None and not is_event_sealed:
        return Finding("event", event["id"], leaf.place, INSERTED)
    return Finding("event", leaf.event_id, leaf.place, REORDERED)


def _changed(leaf: StoredLeaf) -> Finding:
    return Finding("event", leaf.event_id, leaf.place, CHANGED)
