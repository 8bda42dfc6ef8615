"""Verify the sealed trail in the database: events against leaves, leaves against signed checkpoints."""

from collections.abc import Callable, Sequence
from datetime import datetime
from itertools import chain, islice

from django.db import connection, transaction

from security_events.models import AuditKey
from security_events.selectors.sealing import checkpoints, trail_verification
from security_events.selectors.sealing.trail_hashes import stored_hashes
from security_events.selectors.sealing.trail_verification import ROWS_AT_ONCE, LeafRanges, StoredCheckpoint
from security_events.services.trail.leaf_comparison import LeafComparison
from security_events.trail.tree_shape import GrowingTree, Leaves, Subtree, stored_subtrees
from security_events.verifier import NoteMalformed, VerificationKey, parse_signature
from security_events.verifier.command_line import outside_age
from security_events.verifier.exports.checkpoint_files import KeptNote
from security_events.verifier.reports import KEY_CHANGED, REMOVED, ROW_CHANGED, SUBTREE_CHANGED, Finding, Report
from security_events.verifier.trust import JudgedCheckpoint, TrustedKey, judge_checkpoint
from security_events.verifier.walk import TrailWalk

Progress = Callable[[int], None]


def verify(
    *,
    now: datetime,
    keys: Sequence[TrustedKey] = (),
    outside: Sequence[KeptNote] = (),
    witnesses: Sequence[VerificationKey] = (),
    progress: Progress | None = None,
) -> Report:
    """Verify all of the trail as one snapshot has it, and report the first thing that is wrong.

    ``keys`` are those that an auditor trusts; without any, those that are stored. ``outside`` are checkpoints that were
    kept elsewhere. ``progress`` is called with the number of events done so far.
    """
    is_outermost = not connection.in_atomic_block
    with transaction.atomic():
        if is_outermost:
            trail_verification.begin_snapshot()
        stored_keys = checkpoints.audit_keys()
        trusted = list(keys) or stored_trusted_keys()
        own = (_judged(each, trusted, stored_keys, witnesses) for each in trail_verification.stored_checkpoints())
        walk = TrailWalk(own, [judge_checkpoint(each.note, trusted) for each in outside])
        report, (size, end) = Report(), trail_verification.sealed_until()
        purged = trail_verification.purged_leaves()
        comparison = LeafComparison(trail_verification.sealed_events(end), size=size, purged=purged)
        _walk(walk, report, comparison, progress, size=size, purged=purged)
        report.not_covered.unsealed = trail_verification.unsealed_count(end)
        report.first_wrong = report.first_wrong or walk.finding or _wrong_key(stored_keys)
        report.newest_outside = walk.newest_outside
        own_notes = trail_verification.cosigned_notes() if witnesses else ()
    report.not_covered.newest_outside_checkpoint_age = outside_age(
        report, kept=outside, own=own_notes, witnesses=witnesses, now=now.timestamp()
    )
    return report


def stored_trusted_keys() -> list[TrustedKey]:
    """Return the audit keys of the database, with the sizes that they sign for."""
    return [TrustedKey(_public_half(key), key.began_at_size, key.ended_at_size) for key in checkpoints.audit_keys()]


def _walk(
    walk: TrailWalk,
    report: Report,
    comparison: LeafComparison,
    progress: Progress | None,
    *,
    size: int,
    purged: LeafRanges,
) -> None:
    stored = trail_verification.stored_leaves()
    first = next(stored, None)
    tree = _tree_below(first.place if first else size, walk)
    gap = purged.first_gap(tree.size)
    if gap is not None:  # its event and its leaf are gone, and no event says that they have expired
        walk.finding = Finding("event", None, gap, REMOVED)
    leaves = iter(()) if first is None else chain([first], stored)
    while walk.finding is None and (batch := list(islice(leaves, ROWS_AT_ONCE))):
        for leaf in batch:
            comparison.compare(leaf, walk)
        report.checked = comparison.checked
        if walk.finding is None and not walk.is_undecided:
            report.first_wrong = _wrong_subtree(tree.append([leaf.hash for leaf in batch]))
        if report.first_wrong:
            return
        if progress:
            progress(report.checked)
    comparison.compare_rest(walk)
    walk.finish(has_tree=True)
    first_checked = walk.size if comparison.first_checked is None else comparison.first_checked
    report.not_covered.pruned_below, report.not_covered.purged = first_checked, comparison.passed


def _tree_below(first: int, walk: TrailWalk) -> GrowingTree:
    """Walk over the part of which only upper hashes remain, and return the tree up to there; empty if it has gaps."""
    subtrees = stored_subtrees(Leaves(0, first))
    hashes = stored_hashes(subtrees)
    if len(hashes) < len(subtrees):
        return GrowingTree(0, {})
    for subtree in subtrees:
        walk.append(hashes[subtree], level=subtree.level)
    return GrowingTree(first, hashes)


def _wrong_key(keys: Sequence[AuditKey]) -> Finding | None:
    """Compare the sizes at which keys began and ended with each other, and with the sealed events of the rotations."""
    retired_at = trail_verification.sizes_of_rotations()
    size: int | None = 0
    for key in keys:
        if key.began_at_size != size or retired_at.get(key.kid, key.ended_at_size) != key.ended_at_size:
            return Finding("checkpoint", str(key.began_at_size), key.began_at_size, KEY_CHANGED)
        size = key.ended_at_size
    return None


def _wrong_subtree(computed: dict[Subtree, bytes]) -> Finding | None:
    stored = stored_hashes(computed)
    wrong = [subtree.position << subtree.level for subtree, hash_ in computed.items() if stored.get(subtree) != hash_]
    if not wrong:
        return None
    return Finding("event", trail_verification.event_id_at(min(wrong)), min(wrong), SUBTREE_CHANGED)


def _judged(
    stored: StoredCheckpoint,
    trusted: Sequence[TrustedKey],
    stored_keys: Sequence[AuditKey],
    witnesses: Sequence[VerificationKey],
) -> JudgedCheckpoint:
    judged = judge_checkpoint(stored.note, trusted, size=stored.size)
    if judged.finding is not None or judged.checkpoint is None or judged.note is None:
        return judged
    identities = {each.identity for each in judged.note.signatures}
    signers = {key.kid for key in stored_keys if _public_half(key).identity in identities}
    is_row_changed = (
        stored.is_row_changed
        or (judged.checkpoint.size, judged.checkpoint.root) != (stored.size, stored.root)
        or stored.key_id not in signers
        or not all(_is_cosignature(judged.note.text, line, witnesses) for line in stored.cosignatures)
    )
    if not is_row_changed:
        return judged
    return judged._replace(finding=Finding("checkpoint", str(stored.size), stored.size, ROW_CHANGED))


def _public_half(key: AuditKey) -> VerificationKey:
    return VerificationKey(key.name, bytes(key.public_key))


def _is_cosignature(text: str, line: str, witnesses: Sequence[VerificationKey]) -> bool:
    try:
        signature = parse_signature(line.removesuffix("\n"))
    except NoteMalformed:
        return False
    named = [key for key in witnesses if key.identity == signature.identity]
    return all(key.accepts(text, signature.signature) for key in named)
