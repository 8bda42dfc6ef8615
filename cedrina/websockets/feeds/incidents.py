"""`/ws/incidents/`: incidents as they open and change, for those who may read them."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import orjson
from asgiref.sync import sync_to_async
from django.db import connection

from cedrina.websockets.feeds.client_frames import FeedFilter
from cedrina.websockets.feeds.incident_growth import bodies_of, growth_of_process
from cedrina.websockets.feeds.trail_consumer import TrailConsumer
from cedrina.websockets.frame_batches import FrameBatch, batches_of
from security_events import event_types
from security_events.api.permissions import READ_INCIDENTS
from security_events.live.recent_events import RecentEvent

GROWN = "incident.grown"
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

    One that has grown is given, too, once a second at most; of that there is no event. A client resumes behind the
    ``event`` of the last frame that has one. The filter's ``severity`` is that of the incident, its ``types`` are
    changes.
    """

    action = READ_INCIDENTS
    event_types = CHANGES

    async def open_feed(self) -> None:
        self._grown: dict[str, dict[str, Any]] = {}
        await super().open_feed()
        growth_of_process().listen(self)

    def close_feed(self) -> None:
        growth_of_process().leave(self)
        super().close_feed()

    def incident_grew(self, body: dict[str, Any]) -> None:
        """Keep an incident that has grown until it is sent; a later state replaces it."""
        if GROWN in (self.wanted.types or {GROWN}) and self.wanted.passes_severity(body["severity"]):
            self._grown[body["id"]] = body
            self.wake()

    async def give_others(self) -> None:
        while self._grown:
            _, body = self._grown.popitem()
            await self.send_frames(FrameBatch([_frame(None, GROWN, body)]))

    async def batches(self, events: Sequence[RecentEvent], wanted: FeedFilter) -> Sequence[FrameBatch]:
        changes = [(event, ident) for event in events if (ident := _incident_of(event)) is not None]
        if not changes:
            return ()
        bodies = await sync_to_async(_bodies)({ident for _, ident in changes})
        return batches_of(
            [
                (event.form["id"], _frame(event.form["id"], event.form["type"], body))
                for event, ident in changes
                if (body := bodies.get(ident)) is not None
                and wanted.passes(event_type=event.form["type"], severity=body["severity"])
            ]
        )

    def read_severities(self, wanted: FeedFilter) -> None:
        """Read events of all severities: an incident has one of its own."""


def _frame(event_id: str | None, change: str, body: Mapping[str, Any]) -> bytes:
    frame = {"type": "incident", "event": event_id, "change": change, "incident": body}
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
    return bodies_of(ids)
