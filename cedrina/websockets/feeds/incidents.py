"""`/ws/incidents/`: incidents as they open and change, for those who may read them."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import orjson
from asgiref.sync import sync_to_async
from django.db import connection

from cedrina.websockets.feeds.client_frames import FeedFilter
from cedrina.websockets.feeds.trail_consumer import TrailConsumer
from cedrina.websockets.frame_batches import FrameBatch, batches_of
from security_events import event_types
from security_events.api.permissions import READ_INCIDENTS
from security_events.live.recent_events import RecentEvent
from security_events.models import Incident

CHANGES = tuple(
    each.id
    for each in (
        event_types.INCIDENT_OPENED,
        event_types.INCIDENT_ACKNOWLEDGED,
        event_types.INCIDENT_REOPENED,
        event_types.INCIDENT_RESOLVED,
        event_types.RESPONSE_STARTED,
        event_types.RESPONSE_UNDONE,
    )
)


class IncidentsConsumer(TrailConsumer):
    """Gives, for each event of an incident, the incident as it is now: ``change`` is the type of that event.

    A client resumes behind the ``event`` of the last frame that it has. The filter's ``severity`` is that of the
    incident, its ``types`` are changes.
    """

    action = READ_INCIDENTS
    event_types = CHANGES

    async def batches(self, events: Sequence[RecentEvent], wanted: FeedFilter) -> Sequence[FrameBatch]:
        changes = [(event, ident) for event in events if (ident := _incident_of(event)) is not None]
        if not changes:
            return ()
        bodies = await sync_to_async(_bodies)({ident for _, ident in changes})
        return batches_of(
            [
                (event.form["id"], _frame(event, body))
                for event, ident in changes
                if (body := bodies.get(ident)) is not None
                and wanted.passes(event_type=event.form["type"], severity=body["severity"])
            ]
        )

    def read_severities(self, wanted: FeedFilter) -> None:
        """Read events of all severities: an incident has one of its own."""


def _frame(event: RecentEvent, body: Mapping[str, Any]) -> bytes:
    frame = {"type": "incident", "event": event.form["id"], "change": event.form["type"], "incident": body}
    return orjson.dumps(frame, option=orjson.OPT_UTC_Z)


def _incident_of(event: RecentEvent) -> UUID | None:
    if event.form["type"] not in CHANGES:
        return None
    try:
        return UUID(event.form["data"].get("incident", ""))
    except ValueError:
        return None


def _bodies(ids: set[UUID]) -> Mapping[UUID, dict[str, Any]]:
    connection.close_if_unusable_or_obsolete()
    rows = Incident.objects.filter(pk__in=ids).prefetch_related("responses")
    return {row.pk: incident_body(row) for row in rows}


def incident_body(incident: Incident) -> dict[str, Any]:
    """Return an incident in the form of the API."""
    return {
        "id": str(incident.pk),
        "rule": incident.rule,
        "status": incident.status,
        "severity": incident.severity,
        "subject": incident.subject or None,
        "network": incident.network or None,
        "opened_at": incident.opened_at,
        "updated_at": incident.updated_at,
        "events": incident.events,
        "risk_score": incident.risk_score,
        "risk_reasons": incident.risk_reasons,
        "responses": [
            {"id": str(each.pk), "kind": each.kind, "undone_at": each.undone_at, "ends_at": each.ends_at}
            for each in incident.responses.all()
        ],
        "verdict": incident.verdict or None,
        "note": incident.note,
    }
