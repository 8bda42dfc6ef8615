"""Verify an export of the trail with the public key alone.

Beside the export, a file with an event a line, lie two more: ``<export>.checkpoint``, signed checkpoints one after the
other, and ``<export>.tree``, see ``tree_files``. Without the latter, an export that begins with the first event of the
trail can be verified as well, but the event that is wrong has no name then, only the checkpoint behind it.
"""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from security_events.verifier.exports.event_lines import EventLine, read_events
from security_events.verifier.exports.tree_files import TreeLine, read_tree
from security_events.verifier.merkle import leaf_hash
from security_events.verifier.reports import CHANGED, INSERTED, REMOVED, REORDERED, Finding, Report
from security_events.verifier.trust import JudgedCheckpoint
from security_events.verifier.walk import TrailWalk

Progress = Callable[[int], None]
_PROGRESS_EVERY = 10_000


def companion(export: Path, kind: str) -> Path:
    """Return the path of the ``tree`` or ``checkpoint`` file of an export."""
    return export.with_name(f"{export.name}.{kind}")


def verify_export(
    export: Path,
    *,
    checkpoints: Iterable[JudgedCheckpoint],
    outside: Iterable[JudgedCheckpoint] = (),
    progress: Progress | None = None,
) -> Report:
    """Compare the events of an export with the tree, and the tree with the checkpoints.

    ``outside`` are checkpoints that were kept elsewhere. With neither, nothing is proven; give one at least.

    Raises: NoteMalformed, if the tree file is none; OSError.
    """
    walk, report = TrailWalk(sorted(checkpoints, key=lambda each: each.size), outside), Report()
    tree = companion(export, "tree")
    if tree.exists():
        _walk_tree(export, tree, walk, report, progress)
    else:
        _walk_events(export, walk, report, progress)
    report.first_wrong = walk.finding
    report.newest_outside = walk.newest_outside
    return report


def _walk_events(export: Path, walk: TrailWalk, report: Report, progress: Progress | None) -> None:
    for event in read_events(export):
        if walk.next_size is None or walk.finding:
            report.not_covered.unsealed += walk.finding is None
            continue
        walk.append(event.canonical_leaf() or leaf_hash(event.content))
        report.checked += 1
        _show(report.checked, progress)
    walk.finish(has_tree=False)


def _walk_tree(export: Path, tree: Path, walk: TrailWalk, report: Report, progress: Progress | None) -> None:
    events = read_events(export)
    has_begun = is_behind_export = False
    for line in read_tree(tree):
        if walk.finding or walk.next_size is None:
            break
        is_behind_export = has_begun and line.event_id is None
        if line.event_id is None:
            if has_begun:
                report.not_covered.not_exported += 1 << line.level
            else:
                report.not_covered.pruned_below = line.first_leaf + (1 << line.level)
            walk.append(line.hash, level=line.level)
            continue
        has_begun = True
        _compare(next(events, None), line, walk, _Elsewhere(export, tree))
        report.checked += 1
        _show(report.checked, progress)
    walk.finish(has_tree=True)
    if walk.finding:
        return
    report.not_covered.unsealed = sum(1 for _ in events)
    # Behind the tree, an event is unsealed; in front of leaves that are not exported, it was never there.
    if report.not_covered.unsealed and is_behind_export:
        walk.finding = Finding("event", None, walk.size, INSERTED)


def _compare(event: EventLine | None, line: TreeLine, walk: TrailWalk, elsewhere: "_Elsewhere") -> None:
    if event is not None and event.leaf() == line.hash:
        walk.append(line.hash)
        return
    computed = event and event.canonical_leaf()
    if computed == line.hash:
        walk.append(line.hash)
        return
    # Once the first one is named, the leaves behind it are still needed for the root.
    suspicion = _suspicion(line, CHANGED) if walk.is_undecided else elsewhere.explain(event, computed, line)
    walk.append_differing(
        line.hash, suspicion=suspicion, of_event=computed, event_id=event.event_id() if event else None
    )


class _Elsewhere:
    """Tells what became of an event, by looking for it and for its leaf in the rest of the files."""

    def __init__(self, export: Path, tree: Path) -> None:
        self._export, self._tree = export, tree

    def explain(self, event: EventLine | None, computed: bytes | None, line: TreeLine) -> Finding:
        """Return what is wrong at the first place where an event and a leaf differ."""
        is_sealed_event_later = any(each.canonical_leaf() == line.hash for each in self._events())
        is_event_sealed_later = computed is not None and any(each.hash == computed for each in self._leaves(line))
        if is_sealed_event_later and is_event_sealed_later:
            return _suspicion(line, REORDERED)
        if is_sealed_event_later and event is not None:
            return Finding("event", event.event_id(), line.position, INSERTED)
        if event is not None and (event.event_id() == line.event_id or not is_event_sealed_later):
            return _suspicion(line, CHANGED)
        return _suspicion(line, REMOVED)

    def _events(self) -> Iterator[EventLine]:
        return read_events(self._export)

    def _leaves(self, line: TreeLine) -> Iterator[TreeLine]:
        return (each for each in read_tree(self._tree) if each.first_leaf > line.position)


def _suspicion(line: TreeLine, reason: str) -> Finding:
    return Finding("event", line.event_id, line.position, reason)


def _show(done: int, progress: Progress | None) -> None:
    if progress and done % _PROGRESS_EVERY == 0:
        progress(done)
