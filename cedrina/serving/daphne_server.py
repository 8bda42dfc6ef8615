"""daphne, told to close a connection with a reason where it would cut it."""

from typing import Any

from daphne.cli import CommandLineInterface
from daphne.server import Server


class SpeakingServer(Server):  # type: ignore[misc]
    """Says 1009 to a client whose frame is too large, before it hangs up."""

    def listen_success(self, port: Any) -> None:
        super().listen_success(port)
        self.ws_factory.setProtocolOptions(failByDrop=False)


class SpeakingCommand(CommandLineInterface):  # type: ignore[misc]
    server_class = SpeakingServer
