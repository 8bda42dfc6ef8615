"""Reads of incidents: lists by an index, one with its responses, and its events, the newest first."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from django.db.models import QuerySet

from security_events.detection.errors import IncidentNotFound
from security_events.models import Incident, IncidentEvent, SecurityEvent
from security_events.selectors.event_filters import SEVERITIES

_LAST_ID = UUID(int=2**128 - 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentFilter:
    """What incidents must have in common; what is empty is not asked for.

    ``severity`` is one, or one and those above it: ``high+``. ``subject`` is an id, ``network`` a whole network.
    """

    status: str = ""
    rule: str = ""
    severity: str = ""
    subject: str = ""
    network: str = ""

    def rows(self) -> QuerySet[Incident]:
        """Return the incidents, unsorted."""
        given = {name: getattr(self, name) for name in ("status", "rule", "subject", "network")}
        rows = Incident.objects.filter(**{name: value for name, value in given.items() if value})
        return rows.filter(severity__in=SEVERITIES[self.severity]) if self.severity else rows


class TimelineEntry(NamedTuple):
    """An event of an incident; ``event`` is ``None`` once it has expired."""

    event_id: UUID
    at: datetime
    event: SecurityEvent | None


def incidents_page(wanted: IncidentFilter, *, before: UUID | None = None, limit: int) -> Sequence[Incident]:
    """Return the newest incidents with their responses, and one more than ``limit`` if there are more.

    ``before`` is the id of the last incident of the page before this one; ids grow with time.
    """
    rows = wanted.rows().filter(pk__lt=before or _LAST_ID).order_by("-pk")
    return list(rows.prefetch_related("responses")[: limit + 1])


def incident(*, incident_id: UUID) -> Incident:
    """Return an incident with its responses.

    Raises: IncidentNotFound.
    """
    found = Incident.objects.filter(pk=incident_id).prefetch_related("responses").first()
    if found is None:
        raise IncidentNotFound
    return found


def timeline_page(*, incident_id: UUID, before: UUID | None = None, limit: int) -> Sequence[TimelineEntry]:
    """Return the newest kept events of an incident, and one more than ``limit`` if there are more.

    ``before`` is the id of the last event of the page before this one.
    """
    rows = IncidentEvent.objects.filter(incident_id=incident_id, event_id__lt=before or _LAST_ID)
    kept = list(rows.order_by("-event_id").values_list("event_id", "at")[: limit + 1])
    events = SecurityEvent.objects.in_bulk([event_id for event_id, _at in kept])
    return [TimelineEntry(event_id, at, events.get(event_id)) for event_id, at in kept]
