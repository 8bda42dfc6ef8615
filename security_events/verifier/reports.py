"""What a verification has found, and what it could not see."""

from dataclasses import asdict, dataclass, field
from typing import Any, Literal

Kind = Literal["event", "checkpoint"]

# Of events.
CHANGED = "changed"
REMOVED = "removed"
INSERTED = "inserted"
REORDERED = "reordered"
LEAF_CHANGED = "leaf_changed"
SUBTREE_CHANGED = "subtree_changed"
# Of checkpoints.
MALFORMED = "malformed"
SIGNATURE_INVALID = "signature_invalid"
KEY_UNKNOWN = "key_unknown"
KEY_RETIRED = "key_retired"
WRONG_ROOT = "wrong_root"
ROW_CHANGED = "row_changed"
KEY_CHANGED = "key_changed"
FORK = "fork"
ROLLBACK = "rollback"

EXPLANATIONS = {
    CHANGED: "the event is not the one that was sealed",
    REMOVED: "it is gone, although it was sealed: its leaf still stands in the tree",
    INSERTED: "the event was never sealed at this place; it was added afterwards",
    REORDERED: "the event does not stand where it was sealed",
    LEAF_CHANGED: "the event is as it was sealed, but its stored leaf was changed or removed",
    SUBTREE_CHANGED: "a stored hash of the tree does not fit the leaves below it",
    MALFORMED: "this is no checkpoint",
    SIGNATURE_INVALID: "the signature does not fit: the checkpoint was changed after it was signed",
    KEY_UNKNOWN: "none of the keys that you trust has signed the checkpoint",
    KEY_RETIRED: "the checkpoint is signed by a key at a size at which it was not in use",
    WRONG_ROOT: "the leaves up to here do not give the root that was signed: the leaves since the checkpoint before "
    "were rewritten, or the checkpoint was forged with the key",
    ROW_CHANGED: "what is stored beside the checkpoint is not what was signed",
    KEY_CHANGED: "the sizes that the stored audit keys sign for were changed",
    FORK: "the tree at this size is another one than the checkpoint from outside says: the past was rewritten",
    ROLLBACK: "the checkpoint from outside is newer than this trail: an older state was restored, or the newest part "
    "was removed",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """The first thing that is wrong."""

    kind: Kind
    id: str | None
    """The event's id, or the size of a checkpoint; ``None`` if nothing tells which event it was."""
    index: int | None
    """The index of the event's leaf, from 0; the size of a checkpoint; ``None`` if it has none."""
    reason: str

    def sentence(self) -> str:
        """Return the finding for people."""
        place = "" if self.index is None or self.kind == "checkpoint" else f" at index {self.index}"
        return f"{self.kind} {self.id or '(unknown id)'}{place}: {EXPLANATIONS[self.reason]}"


@dataclass(slots=True)
class NotCovered:
    """What a verification can't say anything about."""

    unsealed: int = 0
    """Events that no checkpoint covers yet. They could be changed or removed without a trace."""
    pruned_below: int = 0
    """The index of the first event that is there. Of older ones only hashes remain."""
    newest_outside_checkpoint_age: float | None = None
    """Seconds since the newest checkpoint that is known off the machine; ``None`` if none is.

    The owner of the database who also has the key could have rewritten everything since.
    """
    not_exported: int = 0
    """Sealed events behind the first one of an export that are not part of it: their hashes stand in the tree."""
    purged: int = 0
    """Events behind ``pruned_below`` that retention has deleted, as sealed events say; their hashes remain."""


@dataclass(slots=True)
class Report:
    """The result of a verification."""

    first_wrong: Finding | None = None
    checked: int = 0
    """How many events were compared with their leaves."""
    not_covered: NotCovered = field(default_factory=NotCovered)
    newest_outside: int | None = None
    """The size of the newest checkpoint from outside that fits."""

    @property
    def ok(self) -> bool:
        """Whether nothing wrong was found."""
        return self.first_wrong is None

    def as_json(self) -> dict[str, Any]:
        """Return the members of the report as commands print them."""
        covered = self.not_covered
        return {
            "ok": self.ok,
            "first_wrong": self.first_wrong and asdict(self.first_wrong),
            "checked": self.checked,
            "not_covered": {
                "unsealed": covered.unsealed,
                "pruned_below": covered.pruned_below,
                "newest_outside_checkpoint_age": covered.newest_outside_checkpoint_age,
                **{name: count for name in ("not_exported", "purged") if (count := getattr(covered, name))},
            },
        }

    def lines(self) -> list[str]:
        """Return the report for people."""
        return [self._result(), *self._limits()]

    def _result(self) -> str:
        if self.first_wrong:
            return f"WRONG. First: {self.first_wrong.sentence()}."
        return f"OK. {self.checked} events are as they were sealed."

    def _limits(self) -> list[str]:
        covered, lines = self.not_covered, []
        if covered.unsealed:
            lines.append(f"Not covered: the newest {covered.unsealed} events, which no checkpoint holds yet.")
        if covered.not_exported:
            lines.append(
                f"Not covered: {covered.not_exported} sealed events that the export leaves out. Ask for them if it "
                "should be complete."
            )
        if covered.purged:
            lines.append(f"Not covered: the content of {covered.purged} later events that retention has deleted.")
        if covered.pruned_below:
            lines.append(f"Not covered: the content of the events below index {covered.pruned_below}; hashes remain.")
        age = covered.newest_outside_checkpoint_age
        if age is None:
            lines.append(
                "Not covered: no checkpoint from outside was given. Whoever owns the machine and its key could have "
                "rewritten everything. Keep checkpoints elsewhere, and give one with --checkpoint."
            )
        else:
            lines.append(f"The newest checkpoint from outside is {age:.0f} s old; what came after it rests on the key.")
        return lines
