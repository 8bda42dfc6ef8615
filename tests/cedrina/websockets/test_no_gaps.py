"""A client that resumes gets every event once, in the order of the trail, whatever breaks."""

import asyncio
import os
import threading
from contextlib import suppress
from urllib.parse import urlsplit

import pytest
import websockets

from tests.clients.socket_clients import ask, connect, numbered, received, received_until
from tests.event_writer import event_writer, number_of
from tests.programs import served

pytestmark = pytest.mark.process
EVENTS = "/ws/security-events/"
RECONNECTS = 100


class ResumingClient:
    """A client as docs/live.md has it: it remembers behind which event it has everything, and what it has beyond."""

    def __init__(self, token, after):
        self.token, self.after = token, after
        self.seen, self.numbers, self.reconnects = set(), [], 0

    async def read(self, server, *, frames):
        """Connect, resume, and go away without a word after some new events."""
        socket = await connect(server, EVENTS, token=self.token)
        has_resumed = False
        try:
            await ask(socket, type="resume", after=self.after)
            while frames:
                frame = await received(socket)
                if frame["type"] == "resumed":
                    has_resumed, self.after = True, frame["last"]
                    self.seen.clear()
                elif frame["type"] == "event" and (event_id := frame["event"]["id"]) not in self.seen:
                    frames -= 1
                    self.numbers += filter(None, [number_of(frame)])
                    self.seen.add(event_id)
                    if has_resumed:
                        self.after = event_id
        finally:
            self.reconnects += 1
            socket.transport.abort()
            await socket.wait_closed()


def write_in_disorder(url, total, *, has_begun):
    """Write events by two connections, whose transactions end in another order than they began."""
    with event_writer(url) as first, event_writer(url) as second:
        for number in range(1, total, 4):
            with first.connection.transaction():
                first.write(number)
                with second.connection.transaction():
                    second.write(number + 1, number + 2)
                has_begun.set()
                first.write(number + 3)


def test_a_hundred_forced_reconnects_to_two_servers_lose_nothing(one_port, daphne, operator, writer, database_url):
    (start,) = writer.write(0)
    client = ResumingClient(operator.tokens["access_token"], start)
    total, per_connection = 1200, 12
    has_begun = threading.Event()
    writing = threading.Thread(target=write_in_disorder, args=(database_url, total), kwargs={"has_begun": has_begun})

    async def read_all():
        writing.start()
        has_begun.wait()
        while len(client.numbers) < total:
            await client.read(
                (one_port, daphne)[client.reconnects % 2], frames=min(per_connection, total - len(client.numbers))
            )

    asyncio.run(read_all())
    writing.join()
    assert client.reconnects >= RECONNECTS
    assert sorted(client.numbers) == list(range(1, total + 1))


def test_an_event_that_is_committed_late_is_not_left_out(one_port, daphne, operator, writer, database_url):
    token = operator.tokens["access_token"]

    async def talk():
        async with connect(one_port, EVENTS, token=token) as one, connect(daphne, EVENTS, token=token) as other:
            with event_writer(database_url) as late, late.connection.transaction():
                late.write(1)
                writer.write(2)
                for socket in (one, other):
                    with pytest.raises(TimeoutError):
                        await asyncio.wait_for(socket.recv(), 0.5)
            return [[number_of(await numbered(socket)) for _ in range(2)] for socket in (one, other)]

    assert asyncio.run(talk()) == [[1, 2], [1, 2]]


def test_one_connection_gives_each_event_once_however_often_it_resumes(sockets, operator, writer):
    token = operator.tokens["access_token"]
    ids = [writer.write(number)[0] for number in range(1, 41)]

    async def talk():
        async with connect(sockets, EVENTS, token=token) as socket:
            writer.write(41)
            for place in (30, 10, 20, 5):
                await ask(socket, type="resume", after=ids[place - 1])
            frames = []
            for _ in range(4):
                frames += await received_until(socket, lambda frame: frame["type"] == "resumed")
            writer.write(42)
            frames += await received_until(socket, lambda frame: number_of(frame) == 42)
            return frames

    frames = asyncio.run(talk())
    assert sorted(filter(None, map(number_of, frames))) == list(range(6, 43))
    assert [frame["after"] for frame in frames if frame["type"] == "resumed"] == [
        ids[place - 1] for place in (30, 10, 20, 5)
    ]


def test_a_filter_holds_for_what_is_new_and_for_what_was_missed(sockets, operator, writer):
    (start,) = writer.write(1)
    writer.write(2, severity="high")
    writer.write(3, event_type="session.created")

    async def talk():
        async with connect(sockets, EVENTS, token=operator.tokens["access_token"]) as socket:
            await ask(socket, type="filter", severity="medium+", types=["authentication.login_succeeded"])
            answer = (await received_until(socket, lambda frame: frame["type"] == "filter"))[-1]
            await ask(socket, type="resume", after=start)
            missed = await received_until(socket, lambda frame: frame["type"] == "resumed")
            writer.write(4)
            writer.write(5, severity="critical")
            return answer, missed, await numbered(socket)

    answer, missed, new = asyncio.run(talk())
    assert answer == {"type": "filter", "severity": "medium+", "types": ["authentication.login_succeeded"]}
    assert [number_of(frame) for frame in missed[:-1]] == [2]
    assert missed[-1] == {"type": "resumed", "after": start, "last": missed[0]["event"]["id"]}
    assert number_of(new) == 5


def test_a_frame_is_the_event_of_the_api(sockets, operator, writer):
    async def talk():
        async with connect(sockets, EVENTS, token=operator.tokens["access_token"]) as socket:
            writer.write(7)
            return await numbered(socket)

    event = asyncio.run(talk())["event"]
    assert operator.send("GET", f"/admin/security-events/{event['id']}").json() == event


def test_an_outage_of_the_database_is_waited_for(one_port, daphne, operator, writer, database_url):
    token, name = operator.tokens["access_token"], urlsplit(database_url).path.removeprefix("/")

    async def talk():
        async with connect(one_port, EVENTS, token=token) as one, connect(daphne, EVENTS, token=token) as other:
            with served.maintenance(os.environ["DATABASE_URL"]) as server:
                server.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
                server.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])
                refused = await connect(daphne, EVENTS, token=token)
                with suppress(websockets.ConnectionClosed):
                    await refused.recv()
                server.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')
            with event_writer(database_url) as again:
                again.write(1, 3)
            frames = [[number_of(await numbered(socket)) for _ in range(3)] for socket in (one, other)]
            return refused.close_code, [sorted(each) for each in frames]

    code, numbers = asyncio.run(talk())
    assert code == 4503
    assert numbers == [[1, 2, 3], [1, 2, 3]]
