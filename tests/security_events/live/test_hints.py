"""Hints by a real Redis: they wake the reader of another event loop or process, and nothing is lost without them."""

import asyncio
import os
import signal
import time
from contextlib import asynccontextmanager

import pytest
from django.db import connections
from django.utils import timezone
from redis import Redis

from cedrina.settings.connections import channel_layers
from cedrina.tooling.embedded import redis_server
from security_events import event_types
from security_events.live import hint_layer, hint_sender
from security_events.live.database_thread import thread_of_process
from security_events.live.feed import FeedStopped, TrailFeed
from security_events.services import recording
from tests.programs import stopped_processes

pytestmark = [pytest.mark.process, pytest.mark.django_db(transaction=True)]
# A reader that is calm finds nothing within a test, unless a hint comes.
NEVER = 3600.0


@pytest.fixture(scope="module")
def redis(tmp_path_factory):
    server = redis_server.RedisServer(tmp_path_factory.mktemp("hints"))
    server.start()
    yield server
    server.stop()


@pytest.fixture(autouse=True)
def hints(settings, redis):
    """This process sends hints, and receives them."""
    settings.CHANNEL_LAYERS = channel_layers(redis.url)
    hint_sender.start()
    yield
    hint_sender.stop()


def pid_of(server):
    with Redis.from_url(server.url) as client:
        return client.info("server")["process_id"]


def record():
    try:
        recording.record(event_types.EVENTS_PURGED, data={"events": 1}, now=timezone.now())
    finally:
        connections.close_all()


async def until(condition, *, seconds=60):
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - what it waits for sets no event
            await asyncio.sleep(0.01)


@asynccontextmanager
async def listener(**options):
    """Give a feed with its subscription, once it hears hints and has become calm."""
    feed = TrailFeed(**options)
    subscription = await feed.subscribe()
    try:
        await until(lambda: feed.is_calm)
        yield feed, subscription
    finally:
        feed.unsubscribe(subscription)
        feed.look_soon()  # it may be calm for ever
        await until(lambda: is_stopped(feed))
        await thread_of_process().call(connections.close_all)


def is_stopped(feed):
    try:
        return feed.end is None
    except FeedStopped:
        return True


async def given(feed, subscription, number):
    """Wait until so many events have come, and return how many there are."""
    found = []
    while len(found) < number:
        await asyncio.wait_for(subscription.wake.wait(), 60)
        subscription.wake.clear()
        part = await feed.read(subscription.live, until=feed.end)
        subscription.live = part.end
        found += part.events
    return len(found)


def test_a_hint_wakes_a_reader_that_would_not_look():
    async def run():
        async with listener(calm_seconds=NEVER) as (feed, subscription):
            for _ in range(3):
                await until(lambda: feed.is_calm)
                await asyncio.to_thread(record)
                assert await given(feed, subscription, 1) == 1

    asyncio.run(run())


def test_an_event_whose_hint_is_lost_is_found():
    async def run():
        async with listener(calm_seconds=0.3) as (feed, subscription):
            hint_sender.stop()
            await asyncio.to_thread(record)
            assert await given(feed, subscription, 1) == 1

    asyncio.run(run())


@pytest.mark.parametrize("is_frozen", [False, True], ids=["stopped", "frozen"])
def test_without_redis_the_reader_looks_often_and_hears_again_when_it_is_back(redis, is_frozen):
    pid = pid_of(redis)

    def lose():
        stopped_processes.stop(pid) if is_frozen else redis.stop()

    def give_back():
        os.kill(pid, signal.SIGCONT) if is_frozen else redis.start()

    async def run():
        async with listener(calm_seconds=NEVER) as (feed, subscription):
            await asyncio.to_thread(lose)
            try:
                began = time.monotonic()
                await asyncio.to_thread(record)  # the writer waits for nothing, and its hint is lost
                took = time.monotonic() - began
                assert await given(feed, subscription, 1) == 1
            finally:
                give_back()  # not on a thread: the server would end with it
            await until(lambda: feed.is_calm)
            while not subscription.wake.is_set():  # after a failure the sender pauses for a second
                await asyncio.to_thread(record)
                await asyncio.sleep(hint_layer.LOOKING_SECONDS)
            assert await given(feed, subscription, 1)
            return took

    assert asyncio.run(run()) < hint_layer.ANSWER_SECONDS


def test_a_process_that_writes_all_the_time_sends_few_messages(redis):
    async def run():
        layer, heard = hint_layer.layer(), []
        channel = await layer.new_channel()
        await layer.group_add(hint_layer.GROUP, channel)
        for _ in range(3):
            for _ in range(50):
                hint_sender.send_hint()
            heard.append(await asyncio.wait_for(layer.receive(channel), 60))
            await asyncio.sleep(hint_layer.HINT_SECONDS)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(layer.receive(channel), hint_layer.HINT_SECONDS)
        await layer.flush()
        return heard

    assert asyncio.run(run()) == [hint_layer.NEW_EVENTS] * 3
