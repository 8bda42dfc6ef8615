"""List the security events that a user may see: what they did, and what was done to their account."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from accounts.models import User
from accounts.services.profile import activity_explanations
from security_events import event_types
from security_events.models import SecurityEvent
from security_events.selectors import events

# Members of an event's data that its user may see. Risk scores and their reasons are left out, because an attacker who
# controls the account could learn from them what to avoid; notes of operators are internal.
VISIBLE_DETAILS = frozenset({"amr", "changed", "due_at", "ended_sessions", "factor", "provider", "reason"})

# How operators handle a finding, and what a rule in shadow mode would have done, is theirs: it would tell an intruder
# how close they are. What was done about the account is shown.
HIDDEN_TYPES = frozenset(
    {
        event_types.FINDING_SHADOWED.id,
        event_types.INCIDENT_OPENED.id,
        event_types.INCIDENT_ACKNOWLEDGED.id,
        event_types.INCIDENT_REOPENED.id,
        event_types.INCIDENT_RESOLVED.id,
        event_types.RESPONSE_FAILED.id,
    }
)
_MOST_READS = 5  # for one page: an account with many hidden events gets a shorter one


@dataclass(frozen=True, slots=True)
class ActivityEntry:
    """One security event, without what concerns other users in it. ``explanation`` is for people, often empty."""

    id: UUID
    type: str
    occurred_at: datetime
    severity: str
    outcome: str
    ip_address: str | None
    user_agent: str
    session_id: UUID | None
    details: Mapping[str, Any]
    explanation: list[str]


@dataclass(frozen=True, slots=True)
class ActivityPage:
    """Entries, newest first. ``next_cursor`` is the ``before`` of the following page, ``None`` on the last page."""

    entries: tuple[ActivityEntry, ...]
    next_cursor: UUID | None


def list_entries(*, user: User, before: UUID | None = None, limit: int) -> ActivityPage:
    """Return a page of a user's activity, newest first, from the entry after ``before`` on.

    The two indexes on actor and target are read up to the limit, so a long history costs no more than a short one.
    """
    subject_id = str(user.pk)
    shown: list[SecurityEvent] = []
    for _read in range(_MOST_READS):
        rows = events.events_about(subject_id=subject_id, before=before, limit=limit + 1)
        shown += [row for row in rows if row.type not in HIDDEN_TYPES]
        if len(rows) <= limit:
            before = None
            break
        before = rows[-1].id
        if len(shown) > limit:
            break
    if len(shown) > limit:
        before = shown[limit - 1].id
    return ActivityPage(entries=tuple(_entry(row, subject_id) for row in shown[:limit]), next_cursor=before)


def _entry(event: SecurityEvent, subject_id: str) -> ActivityEntry:
    # The address of an administrator who acted on the account, and sessions of other users, are left out.
    is_actor = event.actor_id == subject_id
    is_target = event.target_id in ("", subject_id)
    return ActivityEntry(
        id=event.id,
        type=event.type,
        occurred_at=event.occurred_at,
        severity=event.severity,
        outcome=event.outcome,
        ip_address=event.ip_address if is_actor else None,
        user_agent=event.user_agent if is_actor else "",
        session_id=event.session_id if is_target else None,
        details={name: value for name, value in event.data.items() if name in VISIBLE_DETAILS} if is_target else {},
        explanation=activity_explanations.explanation_of(event.type, event.data, event.risk_reasons)
        if is_target
        else [],
    )
