"""A socket that gives events of the trail: new ones while it is open, and those that its client missed."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from asgiref.sync import sync_to_async
from django.db import connection
from django.utils import translation

from cedrina.websockets.authenticated_consumer import AuthenticatedConsumer
from cedrina.websockets.feeds.client_frames import ClientFrameRefused, FeedFilter, ResumeRequest, read_frame
from cedrina.websockets.frame_batches import FrameBatch
from security_events.live.feed import FeedStopped, TrailFeed, feed_of_process
from security_events.live.recent_events import RecentEvent
from security_events.live.subscriptions import TooManyResumptions, TrailPart, TrailSubscription
from security_events.selectors import event_windows
from security_events.selectors.trail import TrailPosition

# Between two windows of what a client missed, so that its whole history leaves room for others.
_REPLAY_PAUSE_SECONDS = 0.01


class TrailConsumer(AuthenticatedConsumer):
    """Gives each event once. Subclasses say which events there are, and what a frame holds."""

    event_types: tuple[str, ...] | None = None
    _subscription: TrailSubscription | None = None  # until ``open_feed``
    wanted = FeedFilter()
    # The ids of the events in the frames that were sent last. What was missed stands before all that is new.
    _last_live: str | None = None
    _last_missed: str | None = None

    async def batches(self, events: Sequence[RecentEvent], wanted: FeedFilter) -> Sequence[FrameBatch]:
        """Return the frames of those events that pass a filter, in order.

        Raises: django.db.Error.
        """
        raise NotImplementedError

    async def give_others(self) -> None:
        """Send what is new and is no event, after ``wake``. By default there is nothing."""

    def wake(self) -> None:
        """Let ``give_others`` be called."""
        if self._subscription is not None:
            self._subscription.wake.set()

    async def open_feed(self) -> None:
        self._subscription = await feed_of_process().subscribe()

    def close_feed(self) -> None:
        if self._subscription is not None:
            feed_of_process().unsubscribe(self._subscription)

    async def run(self) -> None:
        feed, subscription = feed_of_process(), self._subscription
        if subscription is None:
            raise FeedStopped
        while True:
            subscription.wake.clear()
            await self.give_others()
            part = subscription.next_part(feed.end)
            if part is None:
                await subscription.wake.wait()
                continue
            upto = part.after if part.is_complete else await self._give_some(feed, part)
            if subscription.advance(part, upto) and part.event_id is not None:
                last = self._last_live or self._last_missed or str(part.event_id)
                await self.send_object({"type": "resumed", "after": str(part.event_id), "last": last})
            elif part.event_id is not None:
                await asyncio.sleep(_REPLAY_PAUSE_SECONDS)

    async def take(self, message: Mapping[str, Any]) -> None:
        try:
            with translation.override(self.language):
                request = read_frame(message)
            if isinstance(request, ResumeRequest):
                await self._resume(request)
            else:
                self.wanted = request
                given = {"severity": request.severity, "types": sorted(request.types)}
                await self.send_object({"type": "filter", **given})
        except ClientFrameRefused as refusal:
            await self.send_error(refusal.code, errors=refusal.errors)

    async def _resume(self, request: ResumeRequest) -> None:
        position = await sync_to_async(_position_of)(request.after)
        if position is None or self._subscription is None:
            raise ClientFrameRefused("not_found")
        try:
            self._subscription.resume(position)
        except TooManyResumptions as error:
            raise ClientFrameRefused("rate_limited") from error

    async def _give_some(self, feed: TrailFeed, part: TrailPart) -> TrailPosition:
        """Send the next events of a part; return the position up to which it was given."""
        wanted = self.wanted
        types = tuple(wanted.types) or None
        if self.event_types is not None:
            types = tuple(each for each in self.event_types if not wanted.types or each in wanted.types)
        severities = self.read_severities(wanted)
        found = await feed.read(part.after, until=part.until, types=types, severities=severities)
        for batch in await self.batches(found.events, wanted):
            await self.send_frames(batch)
            if part.event_id is None:
                self._last_live = batch.last_event
            else:
                self._last_missed = batch.last_event
        return found.end

    def read_severities(self, wanted: FeedFilter) -> tuple[str, ...] | None:
        """Return the severities of events that are read from the database; ``None`` for all."""
        return wanted.severities


def _position_of(event_id: Any) -> TrailPosition | None:
    connection.close_if_unusable_or_obsolete()
    return event_windows.position_of(event_id)
