"""Incidents about one account."""

from collections.abc import Sequence
from uuid import UUID

from security_events.models import Incident

_AFTER_ALL = UUID(int=2**128 - 1)


def incidents_about(*, subject: str, before: UUID | None = None, limit: int) -> Sequence[Incident]:
    """Return the latest incidents about an account with their responses, newest first: two statements.

    ``before`` is the id of the last one of the page before this one; ids grow with time.
    """
    if not subject:
        return []
    rows = Incident.objects.filter(subject=subject, pk__lt=before or _AFTER_ALL).prefetch_related("responses")
    return list(rows.order_by("-pk")[:limit])
