"""A request of an ASGI server in WSGI's form, and what a server is told. Real servers: test_servers.py."""

import asyncio

import pytest

from cedrina.http.request_limits import MAX_HEADERS
from cedrina.http.response_headers import SERVER_HEADERS, FixedHeaders
from cedrina.serving.asgi_application import AsgiApplication, build_environ


def scope(*headers, **changes):
    return {
        "type": "http",
        "http_version": "1.1",
        "server": ("127.0.0.1", 8000),
        "client": ("192.0.2.1", 4711),
        "scheme": "http",
        "method": "GET",
        "path": "/",
        "root_path": "",
        "query_string": b"a=b",
        "headers": headers,
        **changes,
    }


class RequestHandler:
    """Answers with the body that it has read."""

    def __init__(self):
        self.requests = []

    async def handle(self, environ, body):
        content = b"".join([chunk async for chunk in body]) if body is not None else None
        self.requests.append((environ, content))
        return 200, [("X-Name", "é")], content or b"nothing"


def respond(a_scope, *messages, handler=None):
    """Return the request as it was handled, and what was sent."""
    waiting, sent, handler = list(messages), [], handler or RequestHandler()

    async def receive():
        return waiting.pop(0)

    async def send(message):
        sent.append(message)

    asyncio.run(AsgiApplication(request_handler=handler, websockets=None)(a_scope, receive, send))
    return handler.requests, sent


class TestBuildEnviron:
    def test_spells_headers(self):
        found = build_environ(
            scope((b"content-type", b"a/b"), (b"content-length", b"3"), (b"x-forwarded-for", b"1.1.1.1"))
        )
        assert (found["CONTENT_TYPE"], found["CONTENT_LENGTH"]) == ("a/b", "3")
        assert found["HTTP_X_FORWARDED_FOR"] == "1.1.1.1"
        assert (found["SERVER_NAME"], found["SERVER_PORT"]) == ("127.0.0.1", "8000")
        assert found["REMOTE_ADDR"] == "192.0.2.1"

    def test_joins_what_comes_twice(self):
        assert build_environ(scope((b"accept", b"a"), (b"accept", b"b")))["HTTP_ACCEPT"] == "a,b"

    def test_drops_underscores(self):
        forged, honest = (b"x_forwarded_for", b"6.6.6.6"), (b"x-forwarded-for", b"1.1.1.1")
        assert build_environ(scope(forged, honest))["HTTP_X_FORWARDED_FOR"] == "1.1.1.1"
        assert "HTTP_X_FORWARDED_FOR" not in build_environ(scope(forged))

    def test_spells_paths_and_queries_in_latin_1(self):
        found = build_environ(scope(path="/é", query_string=b"\xe9"))
        assert found["PATH_INFO"].encode("latin-1").decode() == "/é"
        assert found["QUERY_STRING"] == "é"

    def test_takes_the_prefix_off_the_path(self):
        found = build_environ(scope(path="/id/livez", root_path="/id"))
        assert (found["SCRIPT_NAME"], found["PATH_INFO"]) == ("/id", "/livez")

    @pytest.mark.parametrize("changes", [{"client": None}, {"server": None}, {"server": ("/run/socket", None)}])
    def test_reads_a_request_without_addresses(self, changes):
        assert build_environ(scope(**changes))["REQUEST_METHOD"] == "GET"

    def test_reads_no_more_headers_than_are_allowed(self):
        found = build_environ(scope(*[(b"x", b"1")] * (MAX_HEADERS + 50)))
        assert found["HTTP_X"].count("1") == MAX_HEADERS


class TestARequest:
    def test_without_a_body_waits_for_none(self):
        ((environ, content),), sent = respond(scope())
        assert content is None
        assert environ["QUERY_STRING"] == "a=b"
        assert sent == [
            {
                "type": "http.response.start",
                "status": 200,
                "headers": [(b"x-name", b"\xe9"), (b"content-length", b"7")],
            },
            {"type": "http.response.body", "body": b"nothing"},
        ]

    def test_is_answered_with_the_headers_that_were_left_to_the_server(self):
        class WithFixedHeaders(RequestHandler):
            async def handle(self, environ, body):
                environ[SERVER_HEADERS] = FixedHeaders({"X-Name": "ours", "X-Other": "a"})
                return await super().handle(environ, body)

        _, sent = respond(scope(), handler=WithFixedHeaders())
        assert sent[0]["headers"] == [(b"x-name", b"ours"), (b"x-other", b"a"), (b"content-length", b"7")]

    def test_of_several_chunks_is_one_body(self):
        chunks = [
            {"type": "http.request", "body": b"a", "more_body": True},
            {"type": "http.request", "body": b"b", "more_body": False},
        ]
        ((_, content),), _ = respond(scope((b"transfer-encoding", b"chunked")), *chunks)
        assert content == b"ab"

    def test_whose_body_ends_early_is_refused(self):
        requests, sent = respond(scope((b"content-length", b"5")), {"type": "http.disconnect"})
        assert requests == []
        assert sent[0]["status"] == 400

    def test_for_a_head_is_answered_without_a_body(self):
        _, sent = respond(scope(method="HEAD"))
        assert (b"content-length", b"7") in sent[0]["headers"]
        assert sent[1]["body"] == b""

    def test_with_too_many_headers_is_refused(self):
        requests, sent = respond(scope(*[(b"x", b"1")] * (MAX_HEADERS + 1)))
        assert requests == []
        assert sent[0]["status"] == 400
