"""Evaluate a draft beside the policy in force, and count where they differ. Decisions are not changed by it.

It takes at most ``SHARE`` of the time of a process: what is beyond is counted as skipped. Only the first examples of
each kind are kept.
"""

import os
import threading
import time
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from accounts.access import policy_reads
from accounts.access.deciding.attributes import only
from accounts.access.services import decisions
from accounts.access.services.compiling import Policy
from accounts.access.services.decisions import Decided
from accounts.access.services.records import evaluated
from accounts.access.services.records.observing import storable
from accounts.access.services.shadow import running

SHARE = 0.02  # of the time
MOST_EXAMPLES = 10
_SECOND_NS = 1_000_000_000
_LONGEST = 200


@dataclass(slots=True)
class Differences:
    """What was found for a run since it was stored last. ``examples`` are by the rules that decided."""

    evaluated: int = 0
    differences: int = 0
    skipped: int = 0
    examples: dict[tuple[str | None, str | None], dict[str, Any]] = field(default_factory=dict)


class _ProcessState:
    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.counts: dict[UUID, Differences] = {}
        self.second = 0
        self.spent_ns = 0


_state = _ProcessState()


def compare(decided: Decided, at: datetime, policy: Policy) -> None:
    """Evaluate the draft for a question that was decided. Does nothing while no draft is evaluated."""
    facts, question, decision = decided
    run = running.current()
    if run is None or at >= run.ends_at:
        return
    began = time.perf_counter_ns()
    with _state.lock:
        counts = _state.counts.setdefault(run.run_id, Differences())
        if began // _SECOND_NS != _state.second:
            _state.second, _state.spent_ns = began // _SECOND_NS, 0
        if _state.spent_ns > SHARE * _SECOND_NS:
            counts.skipped += 1
            return
    other = decisions.evaluate(run.policy, facts, question, at=at)
    differs = other.is_allowed is not decision.is_allowed
    example = None
    if differs and len(counts.examples) < MOST_EXAMPLES:
        read = only(
            {**question.attributes, "subject": facts.attributes},
            policy_reads.of_policy(policy) | policy_reads.of_policy(run.policy),
        )
        example = {
            "subject": storable(facts.subject, _LONGEST),
            "object": storable(question.object, _LONGEST),
            "action": storable(question.action, _LONGEST),
            # As text: PostgreSQL would refuse some texts and change some numbers.
            "evaluated": evaluated.to_text(facts.roles, read, scopes=facts.scopes),
            "at": at.isoformat(),
            "before": decision.is_allowed,
            "after": other.is_allowed,
            "rule_before": decision.rule,
            "rule_after": other.rule,
        }
    with _state.lock:
        counts.evaluated += 1
        counts.differences += differs
        if example is not None:
            counts.examples.setdefault((decision.rule, other.rule), example)
        _state.spent_ns += time.perf_counter_ns() - began


def take() -> dict[UUID, Differences]:
    """Return what was found, by the runs, and begin anew."""
    with _state.lock:
        counts, _state.counts = _state.counts, {}
    return counts


def put_back(taken: dict[UUID, Differences]) -> None:
    """Add what could not be stored again. Examples that were found meanwhile are kept."""
    with _state.lock:
        for run_id, more in taken.items():
            counts = _state.counts.setdefault(run_id, Differences())
            counts.evaluated += more.evaluated
            counts.differences += more.differences
            counts.skipped += more.skipped
            counts.examples = {**more.examples, **counts.examples}


def _reset_after_fork() -> None:
    """Forget what the parent has counted: the parent stores it."""
    _state.lock = threading.Lock()
    _state.counts = {}


os.register_at_fork(after_in_child=_reset_after_fork)
