"""A person's own activity, as far as it is theirs to see."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from accounts.models import User
from security_events import selectors as events
from security_events.models import SecurityEvent

# What an event's data may tell its person. Risk and its reasons are for operators: they would teach an attacker who
# holds the account what to avoid; an operator's note names matters of the house.
SHOWN_DETAILS = frozenset({"amr", "changed", "ended_sessions", "factor", "provider", "reason"})


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that happened to or through an account. What belongs to somebody else in it is left out."""

    id: UUID
    type: str
    occurred_at: datetime
    severity: str
    outcome: str
    ip_address: str | None
    user_agent: str
    session_id: UUID | None
    details: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Page:
    """Some entries, newest first; ``next`` is what the following page begins after, ``None`` on the last one."""

    entries: tuple[Entry, ...]
    next: UUID | None


def page(*, user: User, before: UUID | None = None, limit: int) -> Page:
    """Return what a person did and what was done to their account, newest first, ``before`` being the last one seen.

    Walks down two indexes to the limit, however long the history is.
    """
    subject_id = str(user.pk)
    rows = events.events_about(subject_id=subject_id, before=before, limit=limit + 1)
    entries = tuple(_entry(row, subject_id) for row in rows[:limit])
    return Page(entries=entries, next=entries[-1].id if len(rows) > limit else None)


def _entry(event: SecurityEvent, subject_id: str) -> Entry:
    # An administrator's address is not the person's, and the sessions that an administrator ends are not theirs.
    is_actor = event.actor_id == subject_id
    is_about_them = event.target_id in ("", subject_id)
    return Entry(
        id=event.id,
        type=event.type,
        occurred_at=event.occurred_at,
        severity=event.severity,
        outcome=event.outcome,
        ip_address=event.ip_address if is_actor else None,
        user_agent=event.user_agent if is_actor else "",
        session_id=event.session_id if is_about_them else None,
        details={name: value for name, value in event.data.items() if name in SHOWN_DETAILS} if is_about_them else {},
    )
