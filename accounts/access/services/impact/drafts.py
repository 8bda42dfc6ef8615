"""The impact of a draft, or of a file: what it changes by proof and by history. One at a time in each process."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from accounts.access import draft_changes
from accounts.access.draft_changes import PolicyDocuments
from accounts.access.errors import ImpactBusy, StaleDraft
from accounts.access.models import PolicyDraft
from accounts.access.services.drafts import editing
from accounts.access.services.impact import history, proof
from accounts.access.services.impact.history import History
from accounts.access.services.impact.proof import Proof


class _ProcessState:
    def __init__(self) -> None:
        self.lock = threading.Lock()


_state = _ProcessState()


@dataclass(frozen=True, slots=True)
class Impact:
    """What a change of the policy changes."""

    proof: Proof
    history: History


def impact_of_draft(draft: PolicyDraft, *, since: datetime, now: datetime) -> Impact:
    """Return the impact of a draft on the policy in force.

    Raises: StaleDraft, ImpactBusy (another one is being computed: each takes seconds of CPU in the worst case).
    """
    if draft.applied_version is not None or editing.is_stale(draft.base_version):
        raise StaleDraft
    with _one_at_a_time():
        present = editing.present_documents()
        _changes, after = draft_changes.make(draft.changes, present)
        return impact_of(present, after, since=since, now=now)


def impact_of(before: PolicyDocuments, after: PolicyDocuments, *, since: datetime, now: datetime) -> Impact:
    """Return what is decided otherwise by another policy. Raises: RuleInvalid, RolesInvalid."""
    return Impact(proof.prove(before, after, now=now), history.compare(before, after, since=since))


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    if not _state.lock.acquire(blocking=False):
        raise ImpactBusy
    try:
        yield
    finally:
        _state.lock.release()


def _reset_after_fork() -> None:
    _state.lock = threading.Lock()


os.register_at_fork(after_in_child=_reset_after_fork)
