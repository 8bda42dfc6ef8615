"""The edge for servers with threads."""

from io import BytesIO

import pytest

from cedrina.http import request_limits
from cedrina.serving.connection_pool import NoSlotFree
from cedrina.serving.wsgi_application import guarded

LIMIT = 64 * 1024


def answered(body=b"", application=None, **environ):
    def echo(environ, start_response):
        start_response("200 OK", [])
        return [environ["wsgi.input"].read(), environ["CONTENT_LENGTH"].encode()]

    started = []
    stream = body if hasattr(body, "read") else BytesIO(body)
    found = guarded(application or echo)(
        {"PATH_INFO": "/x", "wsgi.input": stream, **environ}, lambda status, headers: started.append((status, headers))
    )
    return started[0][0], list(found)


class TestGuarded:
    def test_hands_on_a_whole_body(self):
        assert answered(b"abc", CONTENT_LENGTH="3") == ("200 OK", [b"abc", b"3"])

    def test_says_how_long_a_chunked_body_was(self):
        assert answered(b"abc", HTTP_TRANSFER_ENCODING="chunked") == ("200 OK", [b"abc", b"3"])

    @pytest.mark.parametrize("length", [str(LIMIT + 1), "9" * 30])
    def test_refuses_a_declared_size_without_reading(self, length):
        stream = BytesIO(b"x")
        assert answered(stream, CONTENT_LENGTH=length)[0].startswith("413")
        assert stream.tell() == 0

    def test_refuses_a_head_that_is_too_long_to_be_read(self):
        assert answered(HTTP_FORWARDED="for=" + "a" * 9000)[0].startswith("400")
        assert answered(CONTENT_TYPE="a/b" + ";" * 300)[0].startswith("415")

    def test_stops_reading_at_the_limit(self):
        stream = BytesIO(b"x" * 1_000_000)
        assert answered(stream, HTTP_TRANSFER_ENCODING="chunked")[0].startswith("413")
        assert stream.tell() == LIMIT + 1

    def test_refuses_half_a_body(self):
        assert answered(b"ab", CONTENT_LENGTH="5")[0].startswith("400")

    def test_gives_up_on_a_slow_body(self, monkeypatch):
        monkeypatch.setattr(request_limits, "BODY_SECONDS", -1)
        assert answered(b"ab", CONTENT_LENGTH="2")[0].startswith("408")

    def test_says_when_everybody_is_busy(self):
        def busy(environ, start_response):
            raise NoSlotFree

        assert answered(application=busy)[0].startswith("503")
