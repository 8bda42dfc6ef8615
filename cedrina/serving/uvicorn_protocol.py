"""Limits that uvicorn does not have: the time until a request's head is complete, and the size of that head."""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from cedrina.http.request_limits import MAX_HEADERS, MAX_LINE_LENGTH

HEAD_TIMEOUT_SECONDS = 30.0
# A head that has not ended after so many bytes is refused. The rest of an earlier request's body may count with it.
MAX_HEAD_BYTES = 128 * 1024
# Bytes of a line of a WebSocket handshake for the method and the version, or between a name and its value.
LINE_OVERHEAD = 32


class TimeoutProtocol(HttpToolsProtocol):
    """Closes a connection whose request head is not complete in time. Bodies have limits in ``request_processing``.

    uvicorn has no public hook for this: the methods are those of its protocol class, and
    ``tests/cedrina/serving/test_library_internals.py`` fails when a release changes them.
    """

    _deadline: asyncio.TimerHandle | None = None
    _head_bytes = 0

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._start_timer()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._deadline is None:
            self._head_bytes = 0
            return
        self._head_bytes += len(data)
        if self._head_bytes > MAX_HEAD_BYTES and not self.transport.is_closing():
            self.send_400_response("The head of the request is too large.")

    def handle_websocket_upgrade(self) -> None:
        # The WebSocket library closes the connection without a response when the handshake is too large.
        lines = [len(name) + len(value) for name, value in self.headers]
        if len(lines) > MAX_HEADERS or max([len(self.url), *lines]) > MAX_LINE_LENGTH - LINE_OVERHEAD:
            self.send_400_response("The head of the request is too large.")
        else:
            super().handle_websocket_upgrade()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        if self._deadline is None:
            self._start_timer()

    def on_headers_complete(self) -> None:
        self._stop_timer()
        super().on_headers_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timer()
        super().connection_lost(exc)

    def _start_timer(self) -> None:
        self._deadline = self.loop.call_later(HEAD_TIMEOUT_SECONDS, self.transport.abort)

    def _stop_timer(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
