"""A request of granian's, spelt as WSGI does."""

import asyncio
from types import SimpleNamespace

import pytest
from granian.rsgi import ProtocolClosed

from cedrina.serving.request_processing import RequestHandler
from cedrina.serving.rsgi_application import RsgiApplication, build_environ


def scope(*headers, **changes):
    members = {
        "http_version": "1.1",
        "server": "127.0.0.1:8000",
        "client": "192.0.2.1:4711",
        "scheme": "http",
        "method": "GET",
        "path": "/",
        "query_string": "a=b",
        "authority": None,
        "headers": SimpleNamespace(items=lambda: headers),
    }
    return SimpleNamespace(**{**members, **changes})


def environ(*headers, **changes):
    return build_environ(scope(*headers, **changes))


class Protocol:
    """A connection of granian's. It counts how its body was read."""

    def __init__(self, body=b"", *, is_closed=False):
        self.body, self.is_closed = body, is_closed
        self.reads, self.responses = [], []

    async def __call__(self):
        self.reads.append("whole")
        if self.is_closed:
            raise ProtocolClosed
        return self.body

    async def __aiter__(self):
        self.reads.append("chunks")
        yield self.body

    def response_bytes(self, status, headers, body):
        self.responses.append((status, body))


class Echo:
    async def dispatch(self, environ):
        return 200, [], environ["wsgi.input"].read()


def answered(protocol, *headers):
    application = RsgiApplication(RequestHandler(Echo()))
    asyncio.run(application.__rsgi__(scope(*headers, method="POST"), protocol))
    return protocol.responses


class TestBuildEnviron:
    def test_spells_headers(self):
        found = environ(("content-type", "a/b"), ("content-length", "3"), ("x-forwarded-for", "1.1.1.1"))
        assert (found["CONTENT_TYPE"], found["CONTENT_LENGTH"]) == ("a/b", "3")
        assert found["HTTP_X_FORWARDED_FOR"] == "1.1.1.1"
        assert (found["SERVER_NAME"], found["SERVER_PORT"]) == ("127.0.0.1", "8000")

    def test_joins_what_comes_twice(self):
        assert environ(("accept", "a"), ("accept", "b"))["HTTP_ACCEPT"] == "a,b"

    def test_drops_underscores(self):
        found = environ(("x_forwarded_for", "6.6.6.6"), ("x-forwarded-for", "1.1.1.1"))
        assert found["HTTP_X_FORWARDED_FOR"] == "1.1.1.1"
        assert "HTTP_X_FORWARDED_FOR" not in environ(("x_forwarded_for", "6.6.6.6"))

    def test_takes_the_authority_for_the_host(self):
        """HTTP/2 has no Host header (RFC 9113, 8.3.1)."""
        assert environ(authority="id.example.com")["HTTP_HOST"] == "id.example.com"

    def test_spells_paths_in_latin_1(self):
        assert environ(path="/é")["PATH_INFO"].encode("latin-1").decode() == "/é"


class TestBody:
    def test_is_read_at_once_where_the_server_enforces_its_length(self):
        protocol = Protocol(b"abc")
        assert answered(protocol, ("content-length", "3")) == [(200, b"abc")]
        assert protocol.reads == ["whole"]

    @pytest.mark.parametrize(
        "headers",
        [
            [("transfer-encoding", "chunked")],
            [("transfer-encoding", "chunked"), ("content-length", "3")],
            [("content-length", "3"), ("content-length", "3")],
            [("content-length", "x")],
        ],
    )
    def test_is_read_in_chunks_otherwise(self, headers):
        protocol = Protocol(b"abc")
        assert answered(protocol, *headers) == [(200, b"abc")]
        assert protocol.reads == ["chunks"]

    def test_is_not_read_if_there_is_none(self):
        protocol = Protocol()
        assert answered(protocol) == [(200, b"")]
        assert protocol.reads == []

    def test_that_ends_early_gets_no_answer(self):
        assert answered(Protocol(is_closed=True), ("content-length", "3")) == []
        assert answered(Protocol(b"ab"), ("content-length", "3")) == []
