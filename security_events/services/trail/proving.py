"""Prove that an event is in the sealed trail, and that one checkpoint continues another."""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from security_events.errors import EventNotFound, HashesPruned, NotSealedYet, SizeNotSealed
from security_events.models import SecurityEvent
from security_events.selectors.sealing.checkpoints import cosigned_note, newest_checkpoint
from security_events.selectors.sealing.trail_hashes import leaf_index_of, stored_hashes
from security_events.trail.tree_shape import Leaves, consistency_path, inclusion_path, run_root, stored_subtrees
from security_events.verifier import InclusionProof


class ConsistencyProof(NamedTuple):
    """The hashes that prove that the tree of size ``new`` begins with that of size ``old``."""

    old: int
    new: int
    hashes: Sequence[bytes]


def prove_inclusion(event_id: UUID) -> InclusionProof:
    """Return the proof of an event against the newest checkpoint.

    The proof of an event that retention has deleted is given as well, as long as its leaf is kept.

    Raises: NotSealedYet, EventNotFound, HashesPruned.
    """
    # In this order: the checkpoint that is read afterwards covers the leaf.
    index = leaf_index_of(event_id)
    newest = newest_checkpoint()
    if index is None or newest is None:
        raise NotSealedYet if SecurityEvent.objects.filter(pk=event_id).exists() else EventNotFound
    return InclusionProof(index, tuple(_roots(inclusion_path(index, newest.size))), cosigned_note(newest))


def prove_consistency(*, old: int, new: int) -> ConsistencyProof:
    """Return the proof that the tree of size ``new`` continues that of size ``old``.

    Raises: SizeNotSealed, if there is no tree of these sizes; HashesPruned.
    """
    newest = newest_checkpoint()
    if not 0 <= old <= new <= (newest.size if newest else 0):
        raise SizeNotSealed
    return ConsistencyProof(old, new, _roots(consistency_path(old, new)))


def _roots(runs: Sequence[Leaves]) -> list[bytes]:
    hashes = stored_hashes([subtree for run in runs for subtree in stored_subtrees(run)])
    try:
        return [run_root(run, hashes) for run in runs]
    except KeyError as error:
        raise HashesPruned from error
