"""The incidents that are not resolved."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from security_events.api.serializers.incidents import incident_body
from security_events.models import Incident
from security_events.types import IncidentStatus

MOST_SHOWN = 50
MOST_COUNTED = 1000
UNRESOLVED = (IncidentStatus.OPEN, IncidentStatus.ACKNOWLEDGED)


@dataclass(frozen=True, slots=True)
class UnresolvedIncidents:
    """The newest ones in their public form, open ones first, and how many there are; ``MOST_COUNTED`` for more."""

    shown: Sequence[Mapping[str, Any]]
    versions: Mapping[str, int]
    by_status: Mapping[str, int]
    by_severity: Mapping[str, int]


def unresolved(_now: datetime) -> UnresolvedIncidents:
    """Return the unresolved incidents. Each status is read by its index."""
    rows: list[Incident] = []
    by_status, by_severity = Counter[str](), Counter[str]()
    for status in UNRESOLVED:
        newest = Incident.objects.filter(status=status).order_by("-pk")
        rows += newest.prefetch_related("responses")[: MOST_SHOWN - len(rows)]
        severities = Counter(newest.values_list("severity", flat=True)[:MOST_COUNTED])
        by_status[status] = severities.total()
        by_severity += severities
    return UnresolvedIncidents(
        shown=[incident_body(row) for row in rows],
        versions={str(row.pk): row.version for row in rows},
        by_status=dict(by_status),
        by_severity=dict(by_severity),
    )
