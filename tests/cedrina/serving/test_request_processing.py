"""Bodies within their bounds, whichever server brings them."""

import asyncio
import json

import pytest

from cedrina.http import request_limits
from cedrina.serving import request_processing
from cedrina.serving.connection_pool import NoConnectionAvailable
from cedrina.serving.request_processing import MAX_DISCARDED_BYTES, ClientDisconnected, RequestHandler

LIMIT = 64 * 1024


class Dispatcher:
    """Answers with what arrived; counts what it was asked."""

    def __init__(self, error=None):
        self.error = error
        self.asked = 0

    async def dispatch(self, environ):
        self.asked += 1
        if self.error:
            raise self.error
        return 200, [], environ["wsgi.input"].read()


async def chunks(*parts, gap=0.0):
    for part in parts:
        await asyncio.sleep(gap)
        yield part


def received(body, dispatcher=None, **environ):
    handler = RequestHandler(dispatcher or Dispatcher())
    return asyncio.run(handler.handle({"PATH_INFO": "/api/v1/auth/login", **environ}, body))


class TestBodies:
    def test_are_read_a_few_at_a_time_and_hold_up_nobody_without_one(self, monkeypatch):
        monkeypatch.setattr(request_processing, "MAX_BODIES", 1)
        dispatcher = Dispatcher()

        async def scenario():
            handler, complete = RequestHandler(dispatcher), asyncio.Event()

            async def slow():
                yield b"slow"
                await complete.wait()

            first, second = (
                asyncio.create_task(handler.handle({"PATH_INFO": "/api/v1/auth/login"}, body))
                for body in (slow(), chunks(b"quick"))
            )
            assert (await handler.handle({"PATH_INFO": "/api/v1/auth/me"}, None))[0] == 200
            assert not second.done()
            complete.set()
            return [body for _, _, body in await asyncio.gather(first, second)]

        assert asyncio.run(scenario()) == [b"slow", b"quick"]
        assert dispatcher.asked == 3


class TestHandle:
    def test_hands_on_a_whole_body(self):
        assert received(chunks(b"ab", b"", b"cd"))[2] == b"abcd"
        assert received(None)[2] == b""

    def test_refuses_a_huge_declared_size_without_reading(self):
        async def untouched():
            raise AssertionError("it was read")
            yield b""

        dispatcher = Dispatcher()
        status, headers, body = received(untouched(), dispatcher, CONTENT_LENGTH=str(MAX_DISCARDED_BYTES + 1))
        assert (status, json.loads(body)["code"], dispatcher.asked) == (413, "payload_too_large", 0)
        assert ("Connection", "close") in headers
        assert received(untouched(), CONTENT_LENGTH="9" * 40)[0] == 413

    @pytest.mark.parametrize(
        ("head", "status"),
        [
            ({"PATH_INFO": "/" + "a" * request_limits.MAX_PATH_LENGTH}, 400),
            ({"QUERY_STRING": "a" * 8191}, 400),
            ({"HTTP_X_ANYTHING": "a" * 8191}, 400),
            ({f"HTTP_X_{number}": "a" for number in range(101)}, 400),
            ({"CONTENT_TYPE": "application/json;" + " " * 300}, 415),
            (
                {
                    "CONTENT_TYPE": "Multipart/form-data; boundary=x",
                    "CONTENT_LENGTH": str(request_limits.MAX_MULTIPART_BYTES + 1),
                },
                413,
            ),
            ({"PATH_INFO": "/" + "a" * (request_limits.MAX_PATH_LENGTH - 1), "HTTP_COOKIE": "a" * 8190}, 200),
        ],
    )
    def test_bounds_what_slow_parsers_would_read(self, head, status):
        dispatcher = Dispatcher()
        answered, headers, body = received(chunks(b"a" * 100), dispatcher, **head)
        assert (answered, dispatcher.asked) == (status, int(status == 200))
        assert status == 200 or len(body) < 3000
        assert status == 200 or ("Connection", "close") in headers

    def test_takes_quoted_cookies_out(self):
        seen = []

        class Looking(Dispatcher):
            async def dispatch(self, environ):
                seen.append(environ.get("HTTP_COOKIE"))
                return 200, [], b""

        for cookies in ('a=1; b="\\\\101"; c=3', "a=1; b=2", '"', None):
            received(None, Looking(), **({} if cookies is None else {"HTTP_COOKIE": cookies}))
        assert seen == ["a=1; c=3", "a=1; b=2", "", None]

    def test_stops_reading_at_the_limit(self):
        read = []

        async def endless():
            while True:
                read.append(1)
                yield b"x" * 16_384

        assert received(endless())[0] == 413
        assert len(read) == MAX_DISCARDED_BYTES // 16_384 + 1

    @pytest.mark.parametrize("length", [{"CONTENT_LENGTH": "100000"}, {}])
    def test_reads_what_is_on_its_way_before_it_refuses(self, length):
        read = []

        async def sent():
            for _ in range(10):
                read.append(1)
                yield b"x" * 10_000

        assert received(sent(), **length)[0] == 413
        assert len(read) == 10

    def test_waits_for_it_no_longer_than_a_moment(self, monkeypatch):
        monkeypatch.setattr("cedrina.serving.request_processing.DISCARD_TIMEOUT_SECONDS", 0.05)

        async def stalled():
            yield b"x"
            await asyncio.sleep(60)

        assert received(stalled(), CONTENT_LENGTH="100000")[0] == 413

    @pytest.mark.attack("CWE-400")
    def test_stops_reading_a_body_in_too_many_pieces(self):
        assert received(chunks(*[b"x"] * request_limits.MAX_BODY_CHUNKS))[0] == 200
        status, _, body = received(chunks(*[b"x"] * (request_limits.MAX_BODY_CHUNKS + 1)))
        assert (status, json.loads(body)["code"]) == (400, "malformed_request")

    def test_takes_exactly_the_limit(self):
        assert received(chunks(b"x" * LIMIT), CONTENT_LENGTH=str(LIMIT))[0] == 200

    def test_gives_up_on_a_slow_body(self, monkeypatch):
        monkeypatch.setattr(request_limits, "BODY_TIMEOUT_SECONDS", 0.05)
        status, _, body = received(chunks(b"a", b"b", b"c", gap=0.04))
        assert (status, json.loads(body)["code"]) == (408, "request_timeout")

    def test_answers_nobody_who_left(self):
        with pytest.raises(ClientDisconnected):
            received(chunks(b"ab"), CONTENT_LENGTH="5")

    def test_says_when_everybody_is_busy(self):
        status, headers, _ = received(None, Dispatcher(NoConnectionAvailable()))
        assert status == 503
        assert "Retry-After" in dict(headers)

    def test_shows_nothing_of_a_fault(self):
        status, _, body = received(None, Dispatcher(RuntimeError("inside")), HTTP_X_CORRELATION_ID="my-own-id")
        assert status == 500
        assert b"inside" not in body
        assert json.loads(body)["correlation_id"] == "my-own-id"

    def test_speaks_the_language_of_the_caller(self):
        _, headers, _ = received(None, Dispatcher(NoConnectionAvailable()), HTTP_ACCEPT_LANGUAGE="fa")
        assert dict(headers)["Content-Language"] == "fa"
