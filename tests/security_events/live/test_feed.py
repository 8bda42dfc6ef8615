"""One reader for all listeners of a process, beside a real database."""

import asyncio

import pytest
from django.db import connections
from django.utils import timezone

from security_events import event_types
from security_events.live import feed as feeds
from security_events.live.database_thread import thread_of_process
from security_events.services import recording


def record(number):
    for _ in range(number):
        recording.record(event_types.EVENTS_PURGED, data={"events": 1}, now=timezone.now())


async def in_thread(function, *arguments):
    def call():
        try:
            return function(*arguments)
        finally:
            connections.close_all()

    return await asyncio.to_thread(call)


async def events_of(feed, subscription, number):
    """Return the next events of a subscription."""
    events = []
    while len(events) < number:
        await asyncio.wait_for(subscription.wake.wait(), 60)
        subscription.wake.clear()
        part = await feed.read(subscription.live, until=feed.end)
        subscription.live = part.end
        events += part.events
    return events


class Statements:
    """Counts the statements of a connection that read events, and the rows that they gave."""

    def __init__(self):
        self.rows = 0

    def __call__(self, execute, sql, params, many, context):
        found = execute(sql, params, many, context)
        if "FROM security_events_event event" in sql:
            self.rows += context["cursor"].rowcount
        return found


@pytest.mark.django_db(transaction=True)
class TestFeed:
    def test_reads_each_event_once_for_all_listeners(self):
        async def run():
            feed, statements = feeds.feed_of_process(), Statements()
            subscriptions = [await feed.subscribe() for _ in range(30)]
            thread = thread_of_process()
            await thread.call(lambda: connections["default"].execute_wrappers.append(statements))
            await in_thread(record, 7)
            given = []
            for subscription in subscriptions:
                given.append(await events_of(feed, subscription, 7))
                feed.unsubscribe(subscription)
            await thread.call(connections.close_all)
            return statements.rows, given

        rows, given = asyncio.run(run())
        assert rows == 7
        assert all(events == given[0] for events in given)

    def test_begins_with_what_is_committed_after_the_subscription(self):
        async def run():
            feed = feeds.feed_of_process()
            first = await feed.subscribe()
            await in_thread(record, 3)
            second = await feed.subscribe()  # all three are read before it begins
            await in_thread(record, 2)
            found = [len(await events_of(feed, first, 5)), len(await events_of(feed, second, 2))]
            for each in (first, second):
                feed.unsubscribe(each)
            await thread_of_process().call(connections.close_all)
            return found

        assert asyncio.run(run()) == [5, 2]

    def test_ends_when_nobody_listens_and_begins_again(self):
        async def run():
            feed = feeds.feed_of_process()
            feed.unsubscribe(await feed.subscribe())
            while True:
                try:
                    feed.end  # noqa: B018 - it raises
                except feeds.FeedStopped:
                    break
                await asyncio.sleep(0.05)
            again = await feed.subscribe()
            await in_thread(record, 1)
            assert len(await events_of(feed, again, 1)) == 1
            feed.unsubscribe(again)
            await thread_of_process().call(connections.close_all)

        asyncio.run(run())
