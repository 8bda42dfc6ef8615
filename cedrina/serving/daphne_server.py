"""daphne with limits that it does not have: for clients that send too much, and for those that do not read.

daphne has no options for these. The classes are its own and autobahn's, and
``tests/cedrina/serving/test_library_internals.py`` fails when a release changes what is overridden here.
"""

import asyncio
import socket
import time
from typing import Any

from daphne.cli import CommandLineInterface
from daphne.server import Server
from daphne.ws_protocol import WebSocketProtocol

from cedrina.websockets import close_codes, frame_batches
from cedrina.websockets.frame_batches import FrameBatch
from cedrina.websockets.frame_limits import FrameBudget

# What the kernel keeps for a client that does not read; beside it Twisted keeps 64 KiB and what was written at last.
SEND_BUFFER_BYTES = 256 * 1024


class BoundedWebSocketProtocol(WebSocketProtocol):  # type: ignore[misc]
    """Counts the frames of a client, and says when a client does not read what was sent to it.

    A client that does not read is not read either, so that the pongs for its pings do not pile up.
    """

    _frames: FrameBudget | None = None
    _is_discarding = False
    _writable: asyncio.Event | None = None  # there is one only while the client does not read

    def connectionMade(self) -> None:
        super().connectionMade()
        # Until now the producer was the HTTP channel from which this connection was upgraded.
        self.transport.unregisterProducer()
        self.transport.registerProducer(self, True)
        connection = self.transport.getHandle()
        if isinstance(connection, socket.socket):
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)

    def dataReceived(self, data: bytes) -> None:
        if not self._is_discarding:
            super().dataReceived(data)

    def onMessageFrameBegin(self, length: int) -> None:
        super().onMessageFrameBegin(length)
        self._count_frame()

    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        if not self._is_discarding:
            super().onMessage(payload, isBinary)

    def onPing(self, payload: bytes) -> None:
        self._count_frame()
        super().onPing(payload)

    def write_batch(self, batch: FrameBatch) -> bool:
        """Write all frames of a batch, or keep them; return whether the client keeps up."""
        if self.state == self.STATE_OPEN:
            self._write_at_once(batch.wire)
        return self._writable is None

    def serverClose(self, code: int | None = None) -> None:
        """Close with any code: autobahn's ``sendClose`` keeps those below 3000 to itself."""
        self.sendCloseFrame(code=1000 if code is None else code)

    def pauseProducing(self) -> None:
        """Twisted: 64 KiB wait to be written."""
        if self._writable is None:
            self._writable = asyncio.Event()
            self.transport.pauseProducing()

    def resumeProducing(self) -> None:
        """Twisted: all was written."""
        if self._writable is not None:
            self._writable.set()
            self._writable = None
            self.transport.resumeProducing()

    def stopProducing(self) -> None:
        """Twisted: the connection was lost."""
        if self._writable is not None:
            self._writable.set()
            self._writable = None

    async def wait_until_writable(self) -> None:
        """Wait while too much waits to be written."""
        if self._writable is not None:
            await self._writable.wait()

    def _write_at_once(self, data: bytes) -> None:
        """Write without waiting for the next turn of the event loop, if nothing waits to be written before it.

        Twisted asks the loop for each write when the socket can be written to, and then takes that back: a third of
        what a batch costs.
        """
        transport = self.transport
        is_idle = not transport.dataBuffer and not transport._tempDataLen  # noqa: SLF001 - there is no public name
        if is_idle and transport.connected and not transport.disconnecting:
            try:
                data = data[transport.getHandle().send(data) :]
            except BlockingIOError:
                pass
            except OSError:
                return  # the connection is lost, as Twisted is about to find
        if data:
            transport.write(data)

    def _count_frame(self) -> None:
        if self._is_discarding:
            return
        now = time.monotonic()
        if self._frames is None:
            self._frames = FrameBudget(now=now)
        if not self._frames.spend(now=now):
            # What the client still sends is not even parsed. autobahn drops the connection a second later.
            self._is_discarding = True
            self.sendCloseFrame(code=close_codes.TOO_MANY_REQUESTS)


class WebSocketServer(Server):  # type: ignore[misc]
    """Sends close code 1009 (RFC 6455, 7.4.1) where daphne drops the connection, and lets the application wait.

    With daphne, an application that sends more than a client reads fills the memory.
    """

    def listen_success(self, port: Any) -> None:
        super().listen_success(port)
        self.ws_factory.protocol = BoundedWebSocketProtocol
        self.ws_factory.setProtocolOptions(failByDrop=False)

    def create_application(self, protocol: Any, scope: dict[str, Any]) -> Any:
        if isinstance(protocol, BoundedWebSocketProtocol):
            scope["extensions"] = {frame_batches.EXTENSION: {"writer": protocol}}
        return super().create_application(protocol, scope)

    async def handle_reply(self, protocol: Any, message: dict[str, Any]) -> None:
        await super().handle_reply(protocol, message)
        if isinstance(protocol, BoundedWebSocketProtocol):
            await protocol.wait_until_writable()


class WebSocketServerCommand(CommandLineInterface):  # type: ignore[misc]
    """daphne's command line with this module's server."""

    server_class = WebSocketServer
