"""`/ws/security-events/`: all events, for those who may read them."""

from collections.abc import Sequence
from functools import lru_cache

from cedrina.websockets.feeds.client_frames import FeedFilter
from cedrina.websockets.feeds.trail_consumer import TrailConsumer
from cedrina.websockets.frame_batches import FrameBatch, batches_of
from security_events.api.permissions import READ_EVENTS
from security_events.live.recent_events import RecentEvent

# Of listeners with one filter, the first one makes the batch and the others find it. The largest holds 500 events.
_BATCHES_KEPT = 8


class SecurityEventsConsumer(TrailConsumer):
    """Gives events in the form of the API, as they are committed."""

    action = READ_EVENTS

    async def batches(self, events: Sequence[RecentEvent], wanted: FeedFilter) -> Sequence[FrameBatch]:
        return _batches(tuple(events), wanted)


@lru_cache(maxsize=_BATCHES_KEPT)
def _batches(events: tuple[RecentEvent, ...], wanted: FeedFilter) -> tuple[FrameBatch, ...]:
    frames = [
        (event.form["id"], b'{"type":"event","event":' + event.json + b"}")
        for event in events
        if wanted.passes(event_type=event.form["type"], severity=event.form["severity"])
    ]
    return tuple(batches_of(frames))
