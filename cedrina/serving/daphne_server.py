"""daphne, which closes a WebSocket with a close code where it would drop the connection."""

from typing import Any

from daphne.cli import CommandLineInterface
from daphne.server import Server


class WebSocketServer(Server):  # type: ignore[misc]
    """Sends close code 1009 (RFC 6455, 7.4.1) to a client whose frame is too large.

    daphne has no option for this: ``ws_factory`` is autobahn's. The tests of oversized frames fail when it changes.
    """

    def listen_success(self, port: Any) -> None:
        super().listen_success(port)
        self.ws_factory.setProtocolOptions(failByDrop=False)


class WebSocketServerCommand(CommandLineInterface):  # type: ignore[misc]
    """daphne's command line with this module's server."""

    server_class = WebSocketServer
