"""One line for each request of a development machine, whatever became of it."""

import asyncio
import contextlib

import pytest
from structlog.testing import capture_logs

from cedrina.serving.request_lines import RequestLines


async def send(_message):
    """Take what the application sends."""


def lines(application, **scope):
    """Return method, path and status of the lines of one request."""
    with capture_logs() as logged, contextlib.suppress(RuntimeError):
        asyncio.run(
            RequestLines(application)({"method": "GET", "path": "/x", "query_string": b"s=1", **scope}, None, send)
        )
    assert all(line["duration_ms"] >= 0 for line in logged)
    assert "s=1" not in repr(logged)
    return [(line["method"], line["path"], line["status"]) for line in logged]


def answering(*messages, error=None):
    async def application(_scope, _receive, send):
        for message in messages:
            await send(message)
        if error is not None:
            raise error

    return application


class TestRequestLines:
    @pytest.mark.parametrize("status", [200, 404, 503])
    def test_have_the_status_of_the_response(self, status):
        start = {"type": "http.response.start", "status": status}
        application = answering(start, {"type": "http.response.body", "body": b""})
        assert lines(application, type="http") == [("GET", "/x", status)]

    def test_tell_of_a_response_that_was_never_begun(self):
        assert lines(answering(error=RuntimeError("gone")), type="http") == [("GET", "/x", 499)]

    def test_tell_of_a_websocket_when_it_is_accepted(self):
        messages = {"type": "websocket.accept"}, {"type": "websocket.close", "code": 4401}
        assert lines(answering(*messages), type="websocket", method="WS") == [("WS", "/x", 101)]
        assert lines(answering(messages[1]), type="websocket", method="WS") == [("WS", "/x", 4401)]

    def test_leave_the_start_of_the_server_alone(self):
        assert lines(answering({"type": "lifespan.startup.complete"}), type="lifespan") == []
