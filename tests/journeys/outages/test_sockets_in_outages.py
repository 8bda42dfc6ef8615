"""PostgreSQL is restarted and Redis goes and comes back in the middle of a stream: no event is lost or given twice."""

import asyncio
import json
import threading
import time

import pytest
import websockets
from redis import Redis

from cedrina.tooling.embedded import postgres_server, redis_server
from security_events.live.hint_layer import GROUP
from tests import fault_figures
from tests.clients.socket_clients import ask, connect, received
from tests.event_writer import event_writer, number_of
from tests.journeys.person import Person
from tests.programs import served

pytestmark = pytest.mark.fault

EVENTS = "/ws/security-events/"
OUTAGE, FORBIDDEN = 4503, 4403
SECONDS = 120


class Follower:
    """A client as docs/live.md has it. It notes by which codes it was cut."""

    def __init__(self, server, token, after):
        self.server, self.token, self.after = server, token, after
        self.numbers, self.seen, self.codes, self.is_over = [], set(), [], False

    async def follow(self):
        while not self.is_over:
            try:
                async with connect(self.server, EVENTS, token=self.token) as socket:
                    await self._read(socket)
            except websockets.ConnectionClosed as closed:
                self.codes.append(closed.rcvd.code if closed.rcvd else None)
                assert self.codes[-1] != FORBIDDEN
            except (OSError, TimeoutError, websockets.WebSocketException):
                self.codes.append(None)
            await asyncio.sleep(0.2)

    async def _read(self, socket):
        has_resumed = False
        await ask(socket, type="resume", after=self.after)
        while not self.is_over:
            try:
                frame = json.loads(await asyncio.wait_for(socket.recv(), 0.2))
            except TimeoutError:
                continue
            if frame["type"] == "resumed":
                has_resumed, self.after = True, frame["last"]
                self.seen.clear()
            elif frame["type"] == "event" and (event_id := frame["event"]["id"]) not in self.seen:
                self.numbers += filter(None, [number_of(frame)])
                self.seen.add(event_id)
                if has_resumed:
                    self.after = event_id


def wait_until(condition):
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.05)


def demand_hints(redis, person):
    """Wait until a sign-in at one process sends a hint, to which another process has subscribed."""
    with Redis.from_url(redis.url) as client, client.pubsub() as heard:
        heard.psubscribe(f"*{GROUP}")

        def is_sent():
            assert person.sign_in().status_code == 200
            message = heard.get_message(ignore_subscribe_messages=True, timeout=0.5)
            return message is not None and client.pubsub_numsub(message["channel"])[0][1] > 0

        wait_until(is_sent)


def test_a_client_that_resumes_gets_every_event_once(tmp_path):
    redis = redis_server.RedisServer(tmp_path)
    redis.start()
    with (
        postgres_server.temporary(is_durable=True) as postgres,
        served.database(at=postgres.url) as url,
        served.serving(database_url=url, flags=("--sockets",), REDIS_URL=redis.url) as sockets,
        served.serving(database_url=url, REDIS_URL=redis.url) as site,
    ):
        made = site.manage("create_admin", "--username", "keeper", "--email", "keeper@example.com", "--json")
        keeper = Person(site, name="keeper")
        keeper.password = json.loads(made)["password"]
        assert keeper.sign_in().status_code == 200
        # Somebody else signs in again and again: the oldest sessions of one person would end, and their sockets.
        visitor = Person(site, name="visitor")
        assert visitor.register().status_code == 201
        with event_writer(url) as writer:
            (start,) = writer.write(0)
        follower = Follower(sockets, keeper.tokens["access_token"], start)
        reading = threading.Thread(target=lambda: asyncio.run(follower.follow()))
        reading.start()
        try:
            last = 0
            for breaks, mends in (
                (redis.stop, redis.start),
                (postgres.stop, postgres.start),
                (lambda: (redis.stop(), postgres.stop()), lambda: (postgres.start(), redis.start())),
            ):
                with event_writer(url) as writer:
                    writer.write(last + 1, last + 20)
                    wait_until(lambda wanted=last + 20: wanted in follower.numbers)
                    writer.write(last + 21, last + 30)  # committed, and maybe not given yet
                breaks()
                time.sleep(1)  # how long the outage is
                mends()
                with event_writer(url) as writer:
                    writer.write(last + 31, last + 40)
                last += 40
                wait_until(lambda wanted=last: wanted in follower.numbers)
                demand_hints(redis, visitor)
        finally:
            follower.is_over = True
            reading.join()
            keeper.close()
            visitor.close()
            redis.stop()
    wrong = last - len(set(follower.numbers)) + len(follower.numbers) - len(set(follower.numbers))
    name = "PostgreSQL and Redis stop under a socket"
    fault_figures.keep(name, "events lost or given twice", wrong, goal=0, unit="")
    assert sorted(follower.numbers) == list(range(1, last + 1))
    assert set(follower.codes) <= {OUTAGE, None}


class OneSocket:
    """Reads one socket, which is never opened again, up to the event with the number ``last``."""

    def __init__(self, server, token, *, last):
        self.server, self.token, self.last = server, token, last
        self.ids, self.is_open = [], threading.Event()

    async def read(self):
        async with connect(self.server, EVENTS, token=self.token, max_queue=None) as socket:
            self.is_open.set()
            number = None
            while number != self.last:
                frame = await received(socket)
                number = number_of(frame)
                self.ids.append(frame["event"]["id"])


def ids_of_trail(url, first, last):
    """Return the ids of all events between two of them, in the order of the trail."""
    with event_writer(url) as reader:
        rows = reader.connection.execute(
            "SELECT id::text FROM security_events_event WHERE (transaction_id, id) BETWEEN "
            "(SELECT transaction_id, id FROM security_events_event WHERE id = %s) AND "
            "(SELECT transaction_id, id FROM security_events_event WHERE id = %s) ORDER BY transaction_id, id",
            [first, last],
        )
        return [row[0] for row in rows.fetchall()]


def test_one_stream_stays_exact_while_hints_are_lost_halfway(tmp_path):
    """Sign-ins send hints, while Redis lets them; what the writer inserts has none."""
    redis, last = redis_server.RedisServer(tmp_path), 1_000_000
    redis.start()

    def lose_subscriptions():
        with Redis.from_url(redis.url) as client:
            assert client.client_kill_filter(_type="pubsub") > 0

    with (
        served.database() as url,
        served.serving(database_url=url, flags=("--sockets",), REDIS_URL=redis.url) as sockets,
        served.serving(database_url=url, REDIS_URL=redis.url) as site,
        event_writer(url) as writer,
    ):
        made = site.manage("create_admin", "--username", "keeper", "--email", "keeper@example.com", "--json")
        keeper, visitor = Person(site, name="keeper"), Person(site, name="visitor")
        keeper.password = json.loads(made)["password"]
        assert keeper.sign_in().status_code == 200
        assert visitor.register().status_code == 201
        stream = OneSocket(sockets, keeper.tokens["access_token"], last=last)
        reading = threading.Thread(target=lambda: asyncio.run(stream.read()))
        reading.start()
        try:
            assert stream.is_open.wait(SECONDS)
            (first,) = writer.write(0)
            for number, change in enumerate((lose_subscriptions, redis.stop, redis.start)):
                if redis.is_running:
                    demand_hints(redis, visitor)
                writer.write(100 * number + 1, 100 * number + 10)
                change()
                for each in range(100 * number + 11, 100 * number + 20):
                    writer.write(each)
                    assert visitor.sign_in().status_code == 200
            demand_hints(redis, visitor)
        finally:
            (end,) = writer.write(last)
            reading.join(SECONDS)
            keeper.close()
            visitor.close()
            redis.stop()
        assert not reading.is_alive()
        assert stream.ids[stream.ids.index(first) :] == ids_of_trail(url, first, end)
