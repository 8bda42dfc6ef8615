"""What a hostile client can do: it is closed with a code that says why, and others notice nothing."""

import asyncio
import json
import socket as plain_sockets
import struct
import time
from contextlib import suppress

import pytest
import websockets

from tests.clients.socket_clients import ask, close_code, connect, received, received_until
from tests.event_writer import number_of

pytestmark = [pytest.mark.process, pytest.mark.attack("CWE-770, CWE-400, RFC 6455, 10")]
EVENTS = "/ws/security-events/"
FLOOD = 400


@pytest.fixture
def feed(sockets, operator):
    """Open sockets of the operator, as `feed()`."""
    return lambda **options: connect(sockets, EVENTS, token=operator.tokens["access_token"], **options)


def closed_by(feed, attack):
    """Return the code by which a client is closed for what it does, while another one goes on to be served."""

    async def talk():
        async with feed() as honest, feed() as hostile:
            with suppress(websockets.ConnectionClosed):
                await attack(hostile)
            code = await close_code(hostile)
            await ask(honest, type="filter", severity="critical")
            assert (await received_until(honest, lambda frame: frame["type"] == "filter"))[-1]["severity"] == "critical"
            return code

    return asyncio.run(talk())


class TestFrames:
    def test_that_are_too_large(self, feed):
        assert closed_by(feed, lambda socket: socket.send(json.dumps({"type": "x" * 17_000}))) == 1009

    def test_that_are_too_large_together(self, feed):
        assert closed_by(feed, lambda socket: socket.send(["x" * 4000] * 5)) == 1009

    def test_that_are_binary(self, feed):
        assert closed_by(feed, lambda socket: socket.send(b"\x00\x01")) == 1003

    def test_that_are_not_utf8(self, feed):
        async def attack(socket):
            await socket.send(b"\xff\xfe{}", text=True)

        assert closed_by(feed, attack) == 1007

    def test_that_are_too_many(self, feed):
        async def attack(socket):
            for _ in range(FLOOD):
                await socket.send("{}")

        assert closed_by(feed, attack) == 4429

    def test_of_which_a_message_has_no_end(self, sockets, feed):
        """Empty fragments never fill a message."""

        async def endless():
            for _ in range(100 * FLOOD):
                yield ""
                await asyncio.sleep(0)

        if sockets.flags == ():
            pytest.skip("the one-port server is for development; its library joins fragments itself")
        assert closed_by(feed, lambda socket: socket.send(endless())) == 4429


class TestMessages:
    @pytest.mark.parametrize(
        "text",
        ["", "nonsense", "[]", "7", '{"type":1}', '{"type":"resume"', "[" * 8000, '{"a":' * 3000, '{"type":"\\u0000"}',
         '{"type":"filter","type":"resume"}', '{"type":"subscribe"}', "null", '{"type":"event","event":{}}'],
    )  # fmt: skip
    def test_that_mean_nothing_are_answered(self, feed, text):
        async def talk():
            async with feed() as socket:
                await socket.send(text)
                return (await received_until(socket, lambda frame: frame["type"] != "event"))[-1]

        assert asyncio.run(talk())["code"] == "malformed_request"

    @pytest.mark.parametrize(
        ("frame", "fields"),
        [
            ({"type": "filter", "severity": "worst"}, {("severity", "invalid")}),
            ({"type": "filter", "types": ["no.such_type"]}, {("types", "invalid")}),
            ({"type": "filter", "types": "session.created"}, {("types", "invalid")}),
            ({"type": "filter", "severities": "high"}, {("severities", "unknown_field")}),
            ({"type": "filter", "types": ["session.created"] * 500}, {("types", "max_length")}),
            ({"type": "resume"}, {("after", "required")}),
            ({"type": "resume", "after": 7}, {("after", "invalid")}),
            ({"type": "resume", "after": "x' OR 1=1"}, {("after", "invalid")}),
        ],
    )
    def test_that_are_wrong_are_answered_with_the_member(self, feed, frame, fields):
        async def talk():
            async with feed() as socket:
                await ask(socket, **frame)
                return (await received_until(socket, lambda answer: answer["type"] != "event"))[-1]

        answer = asyncio.run(talk())
        assert answer["code"] == "validation_error"
        assert {(each["field"], each["code"]) for each in answer["errors"]} == fields

    def test_about_an_event_that_is_not_there_are_answered(self, feed):
        async def talk():
            async with feed() as socket:
                await ask(socket, type="resume", after="0197a3c0-5b1e-7c4d-9f00-2b6f1c9a7d10")
                return (await received_until(socket, lambda answer: answer["type"] != "event"))[-1]

        assert asyncio.run(talk())["code"] == "not_found"


def opened_raw(server, token):
    """Open a socket by hand, with small buffers, so that nothing reads it."""
    raw = plain_sockets.socket()
    raw.setsockopt(plain_sockets.SOL_SOCKET, plain_sockets.SO_RCVBUF, 4096)
    raw.connect(("127.0.0.1", server.port))
    raw.settimeout(60)
    raw.sendall(
        f"GET {EVENTS} HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
        f"Authorization: Bearer {token}\r\n\r\n".encode()
    )
    assert b" 101 " in raw.recv(1000)
    return raw


def test_a_client_that_does_not_read_is_dropped_and_others_get_everything(daphne, operator, writer):
    token = operator.tokens["access_token"]
    before = daphne.resident_bytes()
    idle = [opened_raw(daphne, token) for _ in range(5)]

    async def read_all(last):
        async with connect(daphne, EVENTS, token=token, max_queue=None) as socket:
            for first in range(0, last, 2000):
                writer.write(first + 1, first + 2000)
            found = []
            while len(found) < last:
                found += filter(None, [number_of(await received(socket))])
            return sorted(found)

    assert asyncio.run(read_all(20_000)) == list(range(1, 20_001))
    assert daphne.resident_bytes() - before < 64 * 1024 * 1024
    for raw in idle:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                raw.send(b"")
                error = raw.getsockopt(plain_sockets.SOL_SOCKET, plain_sockets.SO_ERROR)
            except OSError:
                break
            state = raw.getsockopt(plain_sockets.IPPROTO_TCP, plain_sockets.TCP_INFO, 1)
            if error or struct.unpack("B", state)[0] != 1:  # not established any more
                break
            time.sleep(0.2)
        else:
            raise AssertionError("the server still holds the socket")
        raw.close()
