"""The draft that this process evaluates beside the policy in force, if one is.

``PolicyHead.shadow_id`` names the run. Each process reads it with the version of the policy, so a run reaches and
leaves all processes as fast as a new version does, without a query of its own.
"""

import logging
import os
import threading
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from accounts.access import draft_changes, selectors
from accounts.access.draft_changes import PolicyDocuments
from accounts.access.errors import AccessError
from accounts.access.models import ShadowRun
from accounts.access.services.compiling import INDEX, Policy, compile_policy

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RunningDraft:
    """The policy that a draft would make, and until when it is evaluated."""

    run_id: UUID
    policy: Policy
    ends_at: datetime


class _ProcessState:
    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.followed: UUID | None = None
        self.running: RunningDraft | None = None


_state = _ProcessState()


def current() -> RunningDraft | None:
    """Return the draft that is evaluated, without a query."""
    return _state.running


def follow(run_id: UUID | None) -> None:
    """Read the draft of a run, if it is another one than before; ``None`` ends the evaluation.

    A draft that can't be compiled is not evaluated. The policy in force is not concerned.
    """
    if run_id == _state.followed:
        return
    with _state.lock:
        _state.running = None
        if run_id is not None:
            _state.running = _read(run_id)
        _state.followed = run_id


def _read(run_id: UUID) -> RunningDraft | None:
    run = ShadowRun.objects.select_related("draft").filter(pk=run_id).first()
    if run is None:
        return None
    present = PolicyDocuments(selectors.all_rules(), selectors.all_roles())
    try:
        _changes, after = draft_changes.make(run.draft.changes, present)
        # The index also where Casbin decides: a comparison must stay cheap.
        policy = compile_policy(rules=after.rules, roles=after.roles, version=run.draft.base_version, engine=INDEX)
    except AccessError as error:
        log.warning("access_draft_not_evaluated: %s", error)
        return None
    return RunningDraft(run_id, policy, run.ends_at)


def _reset_after_fork() -> None:
    _state.lock = threading.Lock()


os.register_at_fork(after_in_child=_reset_after_fork)
