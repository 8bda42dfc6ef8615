"""Write what lies beside an export so that others can verify it: its part of the tree, and the newest checkpoint."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from uuid import UUID

from security_events.errors import HashesPruned
from security_events.selectors.sealing.checkpoints import cosigned_note, newest_checkpoint
from security_events.selectors.sealing.trail_hashes import leaf_index_of, stored_hashes
from security_events.selectors.sealing.trail_verification import stored_leaves
from security_events.trail.tree_shape import LEVELS_APART, Leaves, Subtree
from security_events.verifier.exports.event_lines import read_events
from security_events.verifier.exports.tree_files import TreeLine
from security_events.verifier.exports.verification import companion

_MODE = 0o640  # as that of the export


def write_companions(export: Path) -> int | None:
    """Write ``<export>.tree`` and ``<export>.checkpoint``; return the size of the tree.

    Return ``None`` and write nothing if no event of the export is sealed yet.

    Raises: HashesPruned, if hashes are missing; OSError.
    """
    newest = newest_checkpoint()
    ids = (each.event_id() for each in read_events(export)) if export.exists() else iter(())
    first = next(ids, None)
    begin = leaf_index_of(UUID(first)) if first else None
    if newest is None or first is None or begin is None or begin >= newest.size:
        return None
    lines = _tree_lines(Leaves(begin, newest.size), first, ids)
    # In this order: a tree that is larger than the checkpoint only has leaves that are not covered yet.
    _replace(companion(export, "tree"), map(str, lines))
    _replace(companion(export, "checkpoint"), [cosigned_note(newest)])
    return newest.size


def _tree_lines(run: Leaves, first: str, ids: Iterator[str | None]) -> Iterator[TreeLine]:
    yield from _covering(Leaves(0, run.begin))
    wanted: str | None = first
    at = run.begin
    for leaf in stored_leaves(run.begin):
        if wanted is None or leaf.place >= run.end:
            break
        if leaf.place != at:
            raise HashesPruned
        is_exported = leaf.event_id == wanted
        yield TreeLine(0, leaf.place, leaf.hash, wanted if is_exported else None)
        if is_exported:
            wanted = next(ids, None)
        at += 1
    yield from _covering(Leaves(at, run.end))


def _covering(run: Leaves) -> Iterator[TreeLine]:
    """Yield the fewest stored subtrees and leaves that a run consists of."""
    subtrees, at = [], run.begin
    while at < run.end:
        level = 0
        while at % (1 << level + LEVELS_APART) == 0 and at + (1 << level + LEVELS_APART) <= run.end:
            level += LEVELS_APART
        subtrees.append(Subtree(level, at >> level))
        at += 1 << level
    hashes = stored_hashes(subtrees)
    for subtree in subtrees:
        if subtree not in hashes:
            raise HashesPruned
        yield TreeLine(subtree.level, subtree.position, hashes[subtree])


def _replace(path: Path, parts: Iterable[str]) -> None:
    new = path.with_name(f"{path.name}.new")
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_TRUNC | os.O_CREAT, _MODE), "w", encoding="utf-8") as file:
        file.writelines(parts)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)
