"""One process that serves HTTP by granian, on a listening socket that it was given.

granian's own workers each open their sockets themselves, so what waits at a worker that is killed is lost, and what
comes to one that hangs waits with it (`cedrina/serving/listening.py` says how that is mended). Its embeddable server is
made for programs that bring their own processes; a process may run several, and runs a second one on the socket of a
sibling that is not there.
"""

import asyncio
import os
import signal
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from granian import loops
from granian.constants import Interfaces
from granian.log import LogLevels
from granian.net import SocketHolder  # type: ignore[attr-defined]  # not in its stub
from granian.server.embed import Server

from cedrina.serving.listening import ABSENT_SECONDS, WAITING_CONNECTIONS, ListeningSockets

NOTE_SECONDS = 0.1
# A sibling that is there again is helped for so long: to end it closes the connections that were accepted for it.
HELP_SECONDS = 2.0


class ListeningServer(Server):
    """granian in this process, on a socket that is listened on already."""

    def __init__(self, application: Any, *, listening: socket.socket, **options: Any) -> None:
        super().__init__(application, **options)
        self._listening = listening

    def _init_shared_socket(self) -> None:
        # The one thing here that granian has no public name for. It closes the descriptor when it ends.
        descriptor = os.dup(self._listening.fileno())
        self._shd = SocketHolder(descriptor, False, WAITING_CONNECTIONS)  # type: ignore[assignment, call-arg]

    def end(self) -> None:
        """Accept no more, answer what has begun, and let ``serve`` return."""
        self.stop()  # type: ignore[no-untyped-call]  # granian's own


@dataclass
class Help:
    """A server on the socket of a sibling."""

    server: ListeningServer
    serving: asyncio.Task[None]
    needed_at: float


class HttpWorker:
    """Serves an application on the socket of one worker, and on those of siblings that are not there."""

    def __init__(self, application: Any, *, sockets: ListeningSockets, number: int, most_connections: int) -> None:
        self._application = application
        self._sockets = sockets
        self._number = number
        self._most_connections = most_connections
        self._server = self._server_for(number)
        self._is_stopping = False
        self._helps: dict[int, Help] = {}
        self._serving: set[asyncio.Task[None]] = set()  # of all helps, those that are about to end too

    async def run(self, ready: Callable[[], None]) -> None:
        """Serve until somebody calls ``stop``; requests that have begun are answered before.

        Raises: RuntimeError when granian ended without having been asked to.
        """
        self._server.on_startup(ready)
        attending = asyncio.create_task(self._attend())
        await self._server.serve()
        if not self._is_stopping:
            attending.cancel()
            raise RuntimeError("granian ended by itself")
        await asyncio.gather(attending, *self._serving)

    def stop(self) -> None:
        """Accept no more connections, and let ``run`` return."""
        self._is_stopping = True
        for server in (self._server, *(each.server for each in self._helps.values())):
            server.end()

    async def _attend(self) -> None:
        """Note that this process is there, and look which of its siblings are not."""
        noted_at = time.monotonic()
        while not self._is_stopping:
            now = time.monotonic()
            self._sockets.note_attended(self._number, now)
            # Who was not there itself, as after SIGSTOP and SIGCONT for all, may just be the first to come back.
            if now - noted_at < ABSENT_SECONDS:
                for sibling in self._sockets.others(self._number):
                    self._look_after(sibling, now)
            noted_at = now
            await asyncio.sleep(NOTE_SECONDS)

    def _look_after(self, sibling: int, now: float) -> None:
        current = self._helps.get(sibling)
        if not self._sockets.is_attended(sibling, now):
            if current is None or current.serving.done():
                current = self._helps[sibling] = self._help(sibling, now)
            current.needed_at = now
        elif current is not None and now - current.needed_at > HELP_SECONDS:
            self._helps.pop(sibling).server.end()

    def _help(self, sibling: int, now: float) -> Help:
        server = self._server_for(sibling)
        serving = asyncio.create_task(server.serve())
        self._serving.add(serving)
        serving.add_done_callback(self._serving.discard)
        return Help(server, serving, now)

    def _server_for(self, number: int) -> ListeningServer:
        return ListeningServer(
            self._application,
            listening=self._sockets.of(number),
            interface=Interfaces.RSGI,
            websockets=False,
            backlog=WAITING_CONNECTIONS,
            backpressure=self._most_connections,
            log_level=LogLevels.error,
        )


def serve(
    *,
    load: Callable[[], Any],
    sockets: ListeningSockets,
    number: int,
    most_connections: int,
    ready: Callable[[], None],
) -> None:
    """Serve what ``load`` returns until SIGTERM or SIGINT; requests that have begun are answered before."""
    loop = loops.get("auto")
    worker = HttpWorker(load(), sockets=sockets, number=number, most_connections=most_connections)
    for signum in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signum, worker.stop)
    loop.run_until_complete(worker.run(ready))
