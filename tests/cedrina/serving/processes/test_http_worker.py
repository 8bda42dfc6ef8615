"""Which sockets a worker accepts on. Served: tests/journeys/servers/test_http_workers.py."""

import asyncio
import select
import time
from contextlib import asynccontextmanager

import pytest

from cedrina.serving.processes import http_worker
from cedrina.serving.processes.http_worker import HEARTBEAT_SECONDS, HttpWorker
from cedrina.serving.processes.listening import HEARTBEAT_TIMEOUT_SECONDS, ListeningSockets

REQUEST = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
CONNECTIONS = 30  # none at one of two sockets: once in a thousand million times
DEADLINE_SECONDS = 60


class Application:
    async def __call__(self, scope, _receive, send):
        assert scope["type"] == "http"
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"answered"})


async def until(condition):
    async with asyncio.timeout(DEADLINE_SECONDS):
        while not condition():  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.01)


@asynccontextmanager
async def working():
    """Give the first one of two workers, and the sockets of both."""
    sockets = ListeningSockets.listen("127.0.0.1", 0, 2)
    worker = HttpWorker(Application(), sockets=sockets, number=0, most_connections=CONNECTIONS)
    ready = asyncio.Event()
    running = asyncio.create_task(worker.run(ready.set))
    await ready.wait()
    try:
        yield worker, sockets
    finally:
        worker.stop()
        async with asyncio.timeout(DEADLINE_SECONDS):
            await running
        for number in range(2):
            sockets.of(number).close()


@asynccontextmanager
async def asking(sockets):
    """Give so many connections on each of which something was asked."""
    address = sockets.of(0).getsockname()
    connections = [await asyncio.open_connection(*address) for _ in range(CONNECTIONS)]
    for _, writer in connections:
        writer.write(REQUEST)
    try:
        yield [reader for reader, _ in connections]
    finally:
        for _, writer in connections:
            writer.close()


async def answer(reader):
    async with asyncio.timeout(DEADLINE_SECONDS):
        return await reader.readuntil(b"answered")


async def refused_preface(reader, writer):
    """Send what a client of HTTP/2 begins with; expect a refusal in HTTP/1.1, or the end, and no frame."""
    writer.write(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes.fromhex("000000040000000000"))
    async with asyncio.timeout(DEADLINE_SECONDS):
        received = await reader.read()
    writer.close()
    assert received.startswith(b"HTTP/1.1 400") or not received


def waiting(sockets):
    return bool(select.select([sockets.of(1)], [], [], 0)[0])


def run(scenario):
    asyncio.run(scenario())


class TestAWorker:
    def test_leaves_what_comes_to_a_sibling_that_is_there(self):
        async def scenario():
            async with working() as (_, sockets), asking(sockets):
                for _ in range(5):
                    await asyncio.sleep(HEARTBEAT_SECONDS)
                    assert waiting(sockets)

        run(scenario)

    def test_notes_that_it_is_there(self):
        async def scenario():
            async with working() as (_, sockets):
                sockets.record_exit(0)
                await until(lambda: sockets.is_alive(0, time.monotonic()))

        run(scenario)

    def test_answers_what_comes_to_one_that_ended(self):
        async def scenario():
            async with working() as (_, sockets):
                sockets.record_exit(1)
                async with asking(sockets) as readers:
                    for reader in readers:
                        assert await answer(reader)

        run(scenario)

    def test_starts_to_help_again_when_that_ended(self):
        async def scenario():
            async with working() as (worker, sockets):
                sockets.record_exit(1)
                await until(lambda: worker._sibling_servers)
                first = worker._sibling_servers[1]
                await asyncio.sleep(HEARTBEAT_SECONDS)
                first.server.stop()
                await until(lambda: worker._sibling_servers[1] is not first)
                async with asking(sockets) as readers:
                    for reader in readers:
                        assert await answer(reader)

        run(scenario)

    def test_helps_no_longer_once_the_sibling_is_back(self, monkeypatch):
        monkeypatch.setattr(http_worker, "TAKEOVER_LINGER_SECONDS", 0.2)

        async def scenario():
            async with working() as (worker, sockets):
                sockets.record_exit(1)
                async with asking(sockets) as readers:
                    for reader in readers:
                        await answer(reader)
                    sockets.record_heartbeat(1, time.monotonic() + DEADLINE_SECONDS)
                    await until(lambda: not worker._sibling_servers and not worker._serving)
                    # The connections that it accepted at its own socket stay open, the other ones are at their end.
                    await until(lambda: any(reader.at_eof() for reader in readers))
                    assert not all(reader.at_eof() for reader in readers)
                async with asking(sockets):
                    await until(lambda: waiting(sockets))

        run(scenario)

    def test_that_was_not_there_itself_looks_again_before_it_helps(self):
        async def scenario():
            async with working() as (worker, sockets):
                await asyncio.sleep(HEARTBEAT_SECONDS)
                sockets.record_exit(0)
                sockets.record_heartbeat(1, time.monotonic())
                time.sleep(2 * HEARTBEAT_TIMEOUT_SECONDS)  # noqa: ASYNC251 - the loop is to stand still
                while not sockets.is_alive(0, time.monotonic()):  # noqa: ASYNC110 - in the same turn, not later
                    await asyncio.sleep(0)
                sockets.record_heartbeat(1, time.monotonic() + DEADLINE_SECONDS)
                await asyncio.sleep(2 * HEARTBEAT_SECONDS)
                assert not worker._sibling_servers

        run(scenario)

    def test_speaks_http_1_alone(self):
        """With HTTP/2 on offer granian reads the first bytes without a limit of time (RFC 9113, 3.4)."""

        async def scenario():
            async with working() as (_, sockets):
                reader, writer = await asyncio.open_connection(*sockets.of(0).getsockname())
                await refused_preface(reader, writer)

        run(scenario)

    def test_says_so_when_granian_ended_unasked(self):
        async def scenario():
            sockets = ListeningSockets.listen("127.0.0.1", 0, 1)
            worker = HttpWorker(Application(), sockets=sockets, number=0, most_connections=1)
            running = asyncio.create_task(worker.run(worker._server.stop))
            with pytest.raises(RuntimeError, match="granian ended by itself"):
                await running
            sockets.of(0).close()

        run(scenario)

    def test_ends_loudly_when_its_heartbeat_fails(self, caplog):
        async def scenario():
            sockets = ListeningSockets.listen("127.0.0.1", 0, 2)
            worker = HttpWorker(Application(), sockets=sockets, number=0, most_connections=1)
            ready = asyncio.Event()
            running = asyncio.create_task(worker.run(ready.set))
            await ready.wait()
            sockets._memory.content.close()
            async with asyncio.timeout(DEADLINE_SECONDS):
                with pytest.raises(TypeError, match="mmap"):
                    await running
            for number in range(2):
                sockets.of(number).close()

        run(scenario)
        assert "heartbeat_failed" in caplog.text

    def test_logs_a_takeover_that_fails_and_goes_on_serving(self, caplog):
        async def scenario():
            async with working() as (worker, sockets):
                address = sockets.of(0).getsockname()
                sockets.of(1).close()  # so that it can't be served
                sockets.record_exit(1)
                await until(lambda: caplog.text.count("takeover_failed") > 1)
                sockets.record_heartbeat(1, time.monotonic() + DEADLINE_SECONDS)
                await until(lambda: not worker._serving)
                reader, writer = await asyncio.open_connection(*address)
                writer.write(REQUEST)
                assert await answer(reader)
                writer.close()

        run(scenario)
