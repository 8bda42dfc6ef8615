"""One process that serves HTTP by granian, on a socket that it shares with its siblings.

granian's own workers each open a socket of their own: the kernel gives each connection to one of them at once, so what
waits at a worker that is killed is lost, and what comes to one that hangs waits with it. One queue for all has neither
fault, and it stays open while a worker, or all of them, are started anew. granian does the same on systems other than
Linux; its embeddable server is made for programs that bring their own processes.
"""

import signal
import socket
from collections.abc import Callable
from typing import Any

from granian import loops
from granian.constants import Interfaces
from granian.log import LogLevels
from granian.net import SocketHolder  # type: ignore[attr-defined]  # not in its stub
from granian.server.embed import Server

WAITING_CONNECTIONS = 1024


class SharedSocketServer(Server):
    """granian in this process, on a socket that is listened on already."""

    def __init__(self, application: Any, *, listening: socket.socket, **options: Any) -> None:
        super().__init__(application, **options)
        self._listening = listening

    def _init_shared_socket(self) -> None:
        # The one thing here that granian has no public name for.
        self._shd = SocketHolder(self._listening.fileno(), False, WAITING_CONNECTIONS)  # type: ignore[assignment, call-arg]


def listen(host: str, port: int) -> socket.socket:
    """Return a socket on which the workers may accept connections.

    Raises: OSError when the address cannot be used.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.create_server((host, port), family=family, backlog=WAITING_CONNECTIONS)
    listening.setblocking(False)
    return listening


def serve(
    *, load: Callable[[], Any], listening: socket.socket, most_connections: int, ready: Callable[[], None]
) -> None:
    """Serve what ``load`` returns until SIGTERM or SIGINT; requests that have begun are answered before."""
    loop = loops.get("auto")
    server = SharedSocketServer(
        load(),
        listening=listening,
        interface=Interfaces.RSGI,
        websockets=False,
        backlog=WAITING_CONNECTIONS,
        backpressure=most_connections,
        log_level=LogLevels.error,
    )
    server.on_startup(ready)
    for signum in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signum, server.stop)
    loop.run_until_complete(server.serve())
    if not server.interrupt_signal:
        raise RuntimeError("granian ended by itself")
