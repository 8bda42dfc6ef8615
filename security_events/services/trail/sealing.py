"""Seal the trail: append the events that were committed to its Merkle tree, and sign a checkpoint."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

import structlog
from django.db import connection, transaction

from security_events.errors import TrailDamaged
from security_events.event_form import canonical_bytes
from security_events.models import AuditKey, TrailCheckpoint
from security_events.selectors.sealing import checkpoints
from security_events.selectors.sealing.sealing_state import oldest_writer, sealing_state
from security_events.selectors.sealing.trail_hashes import stored_hashes
from security_events.selectors.trail import START, TrailEvent, TrailPosition, events_after
from security_events.services.trail import audit_keys, restored_trail
from security_events.trail.tree_shape import GrowingTree, Subtree, edge_subtrees
from security_events.verifier import (
    Checkpoint,
    VerificationError,
    checkpoint_body,
    leaf_hash,
    open_checkpoint,
    sign_note,
)

BATCH = 2_000  # events; about 0.2 seconds
HELD_BACK_AFTER = timedelta(minutes=1)

log = structlog.get_logger(__name__)


class SealedBatch(NamedTuple):
    """How many events were sealed, and the newest checkpoint; ``None`` if there never was an event."""

    events: int
    checkpoint: TrailCheckpoint | None


def seal(*, now: datetime, progress: Callable[[int], None] | None = None) -> SealedBatch:
    """Seal all events that are committed; return how many there were, and the newest checkpoint.

    Each batch is a transaction of its own, so an interrupted run loses nothing. ``progress`` is called with the number
    done so far.

    Raises: as ``seal_batch``.
    """
    restored_trail.continue_after_restore(now=now)
    done = 0
    while True:
        batch = seal_batch(now=now)
        done += batch.events
        if progress and batch.events:
            progress(done)
        if batch.events < BATCH:
            return SealedBatch(done, batch.checkpoint)


def seal_batch(*, now: datetime, limit: int = BATCH) -> SealedBatch:
    """Append the next events to the tree and sign its new size, all in one transaction.

    Sealers take turns. Whoever records events waits for none of them.

    Raises: TrailDamaged, if what is stored doesn't have the root that was signed last; TrailRolledBack, if a newer
    checkpoint is known outside; AuditOriginInvalid, EncryptionKeyMissing, DecryptionFailed.
    """
    with transaction.atomic(durable=True):
        audit_keys.lock_trail()
        newest = checkpoints.newest_checkpoint()
        events = events_after(_position(newest), limit=limit)
        if not events:
            return SealedBatch(0, newest)
        restored_trail.require_no_rollback(size=newest.size if newest else 0)
        tree = _stored_tree(newest)
        leaves = [leaf_hash(canonical_bytes(event.form)) for event in events]
        first = tree.size
        subtrees = tree.append(leaves)
        key = audit_keys.active_key(now=now)
        _store_hashes(first, events, leaves, subtrees)
        checkpoint = _store_checkpoint(tree, events, key, now=now)
        transaction.on_commit(lambda: _announce(checkpoint, len(events)))
    return SealedBatch(len(events), checkpoint)


def report_held_back(*, now: datetime) -> None:
    """Write to the log when events have been waiting for more than a minute for a transaction that is still open.

    That is no error: they are sealed once it has ended. Until then, nobody who verifies the trail sees them.
    """
    state = sealing_state()
    if not state.held or state.waiting(now=now) < HELD_BACK_AFTER:
        return
    writer = oldest_writer()
    log.warning(
        "audit_trail_held_back",
        events=state.held,
        oldest_seconds=int(state.waiting(now=now).total_seconds()),
        transaction=writer.name if writer else None,
        transaction_began_at=writer.began_at if writer else None,
    )


def _position(newest: TrailCheckpoint | None) -> TrailPosition:
    return TrailPosition(newest.transaction_id, newest.events_to) if newest else START


def _stored_tree(newest: TrailCheckpoint | None) -> GrowingTree:
    """Return the tree as it is stored, once it was compared with what was signed last.

    Otherwise a changed row would become part of a signed root that contradicts those that others have seen.
    """
    size = newest.size if newest else 0
    try:
        following = Subtree(0, size)
        hashes = stored_hashes([*edge_subtrees(size), following])
        if following in hashes:  # more was sealed than the newest checkpoint says
            raise TrailDamaged
        tree = GrowingTree(size, hashes)
        if newest is not None:
            signed = open_checkpoint(newest.note, checkpoints.verification_keys(size=size))
            if (signed.size, signed.root) != (size, tree.root()) or signed.root != bytes(newest.root):
                raise TrailDamaged
    except (KeyError, VerificationError) as error:
        raise TrailDamaged from error
    return tree


def _store_hashes(
    first: int, events: Sequence[TrailEvent], leaves: Sequence[bytes], subtrees: Mapping[Subtree, bytes]
) -> None:
    rows = [
        (first + at, hash_, event.position.event_id)
        for at, (hash_, event) in enumerate(zip(leaves, events, strict=True))
    ]
    _copy("security_events_trail_leaf (leaf_index, hash, event_id)", ("int8", "bytea", "uuid"), rows)
    upper = [(*subtree, hash_) for subtree, hash_ in subtrees.items()]
    _copy("security_events_trail_subtree (level, position, hash)", ("int2", "int8", "bytea"), upper)


def _copy(table: str, types: Sequence[str], rows: Sequence[tuple[object, ...]]) -> None:
    """Append rows by COPY, which takes a fifth of the time of INSERT."""
    statement = f"COPY {table} FROM STDIN (FORMAT BINARY)"
    with connection.wrap_database_errors, connection.cursor() as cursor, cursor.copy(statement) as copy:
        copy.set_types(types)
        for row in rows:
            copy.write_row(row)


def _store_checkpoint(
    tree: GrowingTree, events: Sequence[TrailEvent], key: AuditKey, *, now: datetime
) -> TrailCheckpoint:
    root = tree.root()
    body = checkpoint_body(Checkpoint(key.name, tree.size, root))
    return TrailCheckpoint.objects.create(
        size=tree.size,
        root=root,
        note=sign_note(body, key.name, audit_keys.private_half(key)),
        key_id=key.kid,
        created_at=now,
        events_from=events[0].position.event_id,
        events_to=events[-1].position.event_id,
        transaction_id=events[-1].position.transaction_id,
    )


def _announce(checkpoint: TrailCheckpoint, count: int) -> None:
    """Write the checkpoint to the log: a copy of it that the owner of the database can't take back."""
    log.info("audit_trail_sealed", events=count, size=checkpoint.size, checkpoint=checkpoint.note)
