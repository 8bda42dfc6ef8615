"""Limits that uvicorn does not have: how long it waits for the head of a request, and how much of one it reads."""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from cedrina.http.request_limits import LONGEST_LINE, MOST_HEADERS

HEAD_SECONDS = 30.0
# A head that has not ended after so many bytes. The rest of an earlier request's body may be counted with it.
LARGEST_HEAD = 128 * 1024
# Of a line of a handshake, for the method and the version, or for what separates a name from a value.
ROOM = 32


class ImpatientProtocol(HttpToolsProtocol):
    """Closes a connection whose request head does not end in time. Bodies have their own limits, in the edge."""

    _deadline: asyncio.TimerHandle | None = None
    _head_bytes = 0

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._start_waiting()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._deadline is None:
            self._head_bytes = 0
            return
        self._head_bytes += len(data)
        if self._head_bytes > LARGEST_HEAD and not self.transport.is_closing():
            self.send_400_response("The head of the request is too large.")

    def handle_websocket_upgrade(self) -> None:
        # Those who implement WebSockets leave a handshake without an answer that they find too large.
        lines = [len(name) + len(value) for name, value in self.headers]
        if len(lines) > MOST_HEADERS or max([len(self.url), *lines]) > LONGEST_LINE - ROOM:
            self.send_400_response("The head of the request is too large.")
        else:
            super().handle_websocket_upgrade()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        if self._deadline is None:
            self._start_waiting()

    def on_headers_complete(self) -> None:
        self._stop_waiting()
        super().on_headers_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        super().connection_lost(exc)

    def _start_waiting(self) -> None:
        self._deadline = self.loop.call_later(HEAD_SECONDS, self.transport.abort)

    def _stop_waiting(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
