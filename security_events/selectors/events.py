"""Reads of security events."""

from collections.abc import Sequence
from uuid import UUID

from django.db.models import Q

from cedrina_base.replica_reads import from_replica
from security_events.models import SecurityEvent

# Two index scans that each stop at the limit, merged: events whose actor the subject is, and events of other actors
# whose target it is. One condition with OR would read and sort all events of the subject.
EVENTS_ABOUT = """
SELECT * FROM (
    (
        SELECT * FROM security_events_event
        WHERE actor_id = %(subject_id)s AND actor_id <> '' AND id < %(before)s
        ORDER BY id DESC LIMIT %(limit)s
    )
    UNION ALL
    (
        SELECT * FROM security_events_event
        WHERE target_id = %(subject_id)s AND target_id <> '' AND target_id <> actor_id AND id < %(before)s
        ORDER BY id DESC LIMIT %(limit)s
    )
) AS found
ORDER BY id DESC LIMIT %(limit)s
"""
_AFTER_ALL = UUID(int=2**128 - 1)


@from_replica
def events_about(*, subject_id: str, before: UUID | None = None, limit: int) -> Sequence[SecurityEvent]:
    """Return the latest events whose actor or target somebody is, newest first.

    ``before`` is the id of the last event of the page before this one; ids grow with time.
    """
    parameters = {"subject_id": subject_id, "before": before or _AFTER_ALL, "limit": limit}
    return list(SecurityEvent.objects.raw(EVENTS_ABOUT, parameters))


@from_replica
def events_where(*, condition: Q, before: UUID | None = None, limit: int) -> Sequence[SecurityEvent]:
    """Return the latest events that meet a condition, newest first, from the one after ``before`` on.

    The condition has to be one that an index begins with: a session, a token family, an address or a type.
    """
    rows = SecurityEvent.objects.filter(condition, pk__lt=before or _AFTER_ALL)
    return list(rows.order_by("-pk")[:limit])
