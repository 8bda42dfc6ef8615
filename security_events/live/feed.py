"""One reader of the trail for each process, and its listeners.

The reader looks for new events by two short statements on one connection, and only while somebody listens. Where hints
of other processes come (``hint_receiver``), it looks when one comes, ten times a second for a moment after that, and
once a second otherwise, since a hint can be lost and some events have none. Without hints it looks ten times a second.
A writer never waits for that; docs/decisions/14-live-events.md has the figures.
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, NamedTuple, Protocol
from weakref import WeakKeyDictionary

from asgiref.sync import sync_to_async
from django.db import Error, connection

from security_events.live.database_thread import thread_of_process
from security_events.live.hint_layer import LOOKING_SECONDS
from security_events.live.hint_receiver import HintReceiver
from security_events.live.recent_events import RecentEvent, RecentEvents
from security_events.live.subscriptions import TrailSubscription
from security_events.selectors import event_windows, trail
from security_events.selectors.trail import TrailPosition

POLL_SECONDS = 0.1
CALM_POLL_SECONDS = 1.0  # while hints would come
RETRY_SECONDS = 0.5
# A restart of PostgreSQL takes less. After that, listeners are told that the feed has stopped.
OUTAGE_SECONDS = 10.0
BATCH = 500
LINGER_SECONDS = 1.0  # after the last listener

log = logging.getLogger(__name__)


class FeedStopped(Exception):
    """The database could not be read for too long, or the feed was closed."""


class EventPart(NamedTuple):
    """Events in the order of the trail, and the position up to which they are complete."""

    events: Sequence[RecentEvent]
    end: TrailPosition


class SubjectListener(Protocol):
    """Takes the events that are about one subject."""

    def take_event(self, event: RecentEvent) -> None:
        """Take an event. This is called on the event loop, and must not wait."""

    def stop(self) -> None:
        """Take no more: the feed has stopped."""


class TrailFeed:
    """Reads each new event once, keeps the latest in memory and wakes the listeners.

    It belongs to the event loop that runs when it is made, and reads while it has listeners. ``calm_seconds`` is how
    often it looks while it would be told of new events, and is not.
    """

    def __init__(self, *, calm_seconds: float = CALM_POLL_SECONDS) -> None:
        self._subscriptions: set[TrailSubscription] = set()
        self._subjects: defaultdict[str, set[SubjectListener]] = defaultdict(set)
        self._recent: RecentEvents | None = None
        self._reading: asyncio.Task[None] | None = None
        self._starting = asyncio.Lock()
        self._is_stopped = False
        self._catching_up: list[asyncio.Future[None]] = []
        self._hurry = asyncio.Event()
        self._thread = thread_of_process()
        self._calm_seconds = calm_seconds
        self._hints = HintReceiver(self._take_hint)
        self._looking_until = 0.0  # often, by the time of the event loop

    @property
    def end(self) -> TrailPosition:
        """The position up to which the trail was read.

        Raises: FeedStopped.
        """
        if self._recent is None or self._is_stopped:
            raise FeedStopped
        return self._recent.end

    @property
    def is_calm(self) -> bool:
        """Whether it waits for a hint: somebody listens, hints would come, and none came just now."""
        is_needed = bool(self._subscriptions or self._subjects)
        return is_needed and self._hints.is_hearing and asyncio.get_running_loop().time() >= self._looking_until

    async def subscribe(self) -> TrailSubscription:
        """Return a subscription to all events that are committed from now on.

        Raises: FeedStopped, if the database can't be read.
        """
        await self._ensure_reading()
        await self._catch_up()
        subscription = TrailSubscription(self.end)
        self._subscriptions.add(subscription)
        return subscription

    async def listen(self, subject: str, listener: SubjectListener) -> None:
        """Give a listener the events whose actor or target has an id, from now on.

        Raises: FeedStopped, if the database can't be read.
        """
        await self._ensure_reading()
        await self._catch_up()
        if self._is_stopped:
            raise FeedStopped
        self._subjects[subject].add(listener)

    def unsubscribe(self, subscription: TrailSubscription) -> None:
        """End a subscription. The last listener ends the reading."""
        self._subscriptions.discard(subscription)

    def leave(self, subject: str, listener: SubjectListener) -> None:
        """Give a listener no more events."""
        listeners = self._subjects.get(subject)
        if listeners is not None:
            listeners.discard(listener)
            if not listeners:
                del self._subjects[subject]

    async def read(
        self,
        after: TrailPosition,
        *,
        until: TrailPosition,
        types: Sequence[str] | None = None,
        severities: Sequence[str] | None = None,
    ) -> EventPart:
        """Return the next events behind a position: from memory, or else from the database by the filter.

        Events from memory are not filtered.

        Raises: FeedStopped; django.db.Error.
        """
        recent = self._recent
        found = None if recent is None else recent.between(after, until, limit=event_windows.WINDOW)
        if found is not None:
            return EventPart(found, found[-1].position if len(found) == event_windows.WINDOW else until)
        window = await sync_to_async(_window_after)(after, until=until, types=types, severities=severities)
        return EventPart([RecentEvent(event) for event in window.events], window.end)

    def look_soon(self) -> None:
        """Look for new events at once, without waiting for them."""
        self._hurry.set()

    async def _catch_up(self) -> None:
        """Wait until everything was read that is committed now."""
        waiting = asyncio.get_running_loop().create_future()
        self._catching_up.append(waiting)
        self._hurry.set()
        await waiting

    async def _ensure_reading(self) -> None:
        async with self._starting:
            if self._reading is not None and not self._reading.done() and not self._is_stopped:
                return
            try:
                start = await self._thread.call(trail.end_of_trail)
            except Error as error:
                raise FeedStopped from error
            self._recent, self._is_stopped = RecentEvents(start), False
            self._reading = asyncio.create_task(self._read_on(self._recent))

    async def _read_on(self, recent: RecentEvents) -> None:
        loop = asyncio.get_running_loop()
        last_read = last_needed = loop.time()
        self._hints.start()
        try:
            while loop.time() - last_read < OUTAGE_SECONDS:
                if self._subscriptions or self._subjects or self._catching_up:
                    last_needed = loop.time()
                elif loop.time() - last_needed > LINGER_SECONDS:
                    break
                self._hurry.clear()
                catching_up = tuple(self._catching_up)
                try:
                    events = await self._thread.call(lambda: trail.events_after(recent.end, limit=BATCH))
                except Error as error:
                    log.warning("live_events_lost_database: %s", type(error).__name__)
                    await asyncio.sleep(RETRY_SECONDS)
                    continue
                last_read = loop.time()
                if events:
                    self._looking_until = last_read + LOOKING_SECONDS
                    self._give([RecentEvent(event) for event in events], recent)
                if len(events) < BATCH:
                    self._release(catching_up)
                    await self._pause()
        except Exception:
            log.exception("live_events_broke")
        finally:
            self._stop()
            await self._hints.stop()

    def _take_hint(self) -> None:
        now = asyncio.get_running_loop().time()
        if now >= self._looking_until:  # else it looks soon
            self._hurry.set()
        self._looking_until = now + LOOKING_SECONDS

    async def _pause(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(self._calm_seconds if self.is_calm else POLL_SECONDS):
                await self._hurry.wait()

    def _release(self, waiting: Sequence[asyncio.Future[None]]) -> None:
        for each in waiting:
            self._catching_up.remove(each)
            if not each.done():
                each.set_result(None)

    def _give(self, events: Sequence[RecentEvent], recent: RecentEvents) -> None:
        recent.append(events)
        for subscription in self._subscriptions:
            subscription.wake.set()
        if self._subjects:
            for event in events:
                for subject in {event.form["actor_id"], event.form["target_id"]} - {None}:
                    for listener in tuple(self._subjects.get(subject, ())):
                        listener.take_event(event)

    def _stop(self) -> None:
        self._is_stopped = True
        self._recent = None
        self._release(tuple(self._catching_up))
        for subscription in self._subscriptions:
            subscription.wake.set()
        for listener in [each for listeners in self._subjects.values() for each in listeners]:
            listener.stop()
        self._subscriptions.clear()
        self._subjects.clear()
        self._thread.close_connection()


_feeds: WeakKeyDictionary[asyncio.AbstractEventLoop, TrailFeed] = WeakKeyDictionary()


def feed_of_process() -> TrailFeed:
    """Return the feed of the running event loop; a server has one loop."""
    loop = asyncio.get_running_loop()
    if loop not in _feeds:
        _feeds[loop] = TrailFeed()
    return _feeds[loop]


def _window_after(after: TrailPosition, **wanted: Any) -> event_windows.EventWindow:
    connection.close_if_unusable_or_obsolete()
    return event_windows.window_after(after, **wanted)
