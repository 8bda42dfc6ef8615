"""A worker process: it serves HTTP by granian on a listening socket that exists already.

granian's own workers open their sockets themselves. Connections that wait at a worker that is killed are lost, and
those at a worker that hangs wait with it; `listening.py` avoids both. This module uses granian's embeddable server,
which is made for programs with processes of their own. A process may run several of them, and runs a second one on the
socket of a worker without a heartbeat.
"""

import asyncio
import os
import signal
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import structlog
from granian import loops
from granian.constants import HTTPModes, Interfaces
from granian.log import LogLevels
from granian.net import SocketHolder  # type: ignore[attr-defined]  # not in its stub
from granian.server.embed import Server

from cedrina.serving.processes.listening import BACKLOG, HEARTBEAT_TIMEOUT_SECONDS, ListeningSockets

log = structlog.get_logger(__name__)

HEARTBEAT_SECONDS = 0.1
# A takeover lasts so long after the other worker is back: its end closes the connections that it has accepted.
TAKEOVER_LINGER_SECONDS = 2.0


class ListeningServer(Server):
    """granian's server in this process, on a socket that listens already."""

    def __init__(self, application: Any, *, listening: socket.socket, **options: Any) -> None:
        super().__init__(application, **options)
        self._listening = listening

    def _init_shared_socket(self) -> None:
        # granian has no public way to pass a socket, and closes the descriptor when it ends.
        # tests/cedrina/serving/test_library_internals.py fails when a release changes this.
        descriptor = os.dup(self._listening.fileno())
        self._shd = SocketHolder(descriptor, False, BACKLOG)  # type: ignore[assignment, call-arg]

    def end(self) -> None:
        """Accept no more connections, answer the requests that have begun, and let ``serve`` return."""
        self.stop()  # type: ignore[no-untyped-call]  # granian's own


@dataclass
class SiblingServer:
    """A server on the socket of another worker that has no heartbeat."""

    server: ListeningServer
    serving: asyncio.Task[None]
    needed_at: float


class HttpWorker:
    """Serves an application on the socket of its position, and on those of workers without a heartbeat."""

    def __init__(self, application: Any, *, sockets: ListeningSockets, number: int, most_connections: int) -> None:
        self._application = application
        self._sockets = sockets
        self._number = number
        self._most_connections = most_connections
        self._server = self._server_for(number)
        self._is_stopping = False
        self._sibling_servers: dict[int, SiblingServer] = {}
        self._serving: set[asyncio.Task[None]] = set()  # of all takeovers, also of those that are about to end

    async def run(self, ready: Callable[[], None]) -> None:
        """Serve until ``stop`` is called. Requests that have begun are answered.

        Raises: RuntimeError when granian ends by itself, and what ended the heartbeat. The supervisor starts another
            process then: without a heartbeat all others would take this one's connections.
        """
        self._server.on_startup(ready)
        watching = asyncio.create_task(self._watch_siblings())
        watching.add_done_callback(self._stop_without_heartbeat)
        await self._server.serve()
        if not self._is_stopping:
            watching.cancel()
            raise RuntimeError("granian ended by itself")
        await asyncio.gather(*self._serving, return_exceptions=True)  # their errors are logged
        await watching

    def stop(self) -> None:
        """Accept no more connections, and let ``run`` return."""
        self._is_stopping = True
        for server in (self._server, *(each.server for each in self._sibling_servers.values())):
            server.end()

    async def _watch_siblings(self) -> None:
        """Record the heartbeat of this process, and take over for workers without one."""
        last_heartbeat = time.monotonic()
        while not self._is_stopping:
            now = time.monotonic()
            self._sockets.record_heartbeat(self._number, now)
            # When all workers were stopped, as by SIGSTOP, this one may only be the first that runs again.
            if now - last_heartbeat < HEARTBEAT_TIMEOUT_SECONDS:
                for sibling in self._sockets.others(self._number):
                    self._update_sibling(sibling, now)
            last_heartbeat = now
            await asyncio.sleep(HEARTBEAT_SECONDS)

    def _stop_without_heartbeat(self, watching: asyncio.Task[None]) -> None:
        if not watching.cancelled() and (error := watching.exception()) is not None:
            log.error("heartbeat_failed", exc_info=error)
            self.stop()

    def _update_sibling(self, sibling: int, now: float) -> None:
        current = self._sibling_servers.get(sibling)
        if not self._sockets.is_alive(sibling, now):
            if current is None or current.serving.done():
                current = self._sibling_servers[sibling] = self._serve_sibling(sibling, now)
            current.needed_at = now
        elif current is not None and now - current.needed_at > TAKEOVER_LINGER_SECONDS:
            self._sibling_servers.pop(sibling).server.end()

    def _serve_sibling(self, sibling: int, now: float) -> SiblingServer:
        server = self._server_for(sibling)
        serving = asyncio.create_task(server.serve())
        self._serving.add(serving)
        serving.add_done_callback(self._record_end_of_takeover)
        return SiblingServer(server, serving, now)

    def _record_end_of_takeover(self, serving: asyncio.Task[None]) -> None:
        self._serving.discard(serving)
        if not serving.cancelled() and (error := serving.exception()) is not None:
            log.error("takeover_failed", exc_info=error)  # it is tried again at the next heartbeat

    def _server_for(self, number: int) -> ListeningServer:
        return ListeningServer(
            self._application,
            listening=self._sockets.of(number),
            interface=Interfaces.ASGINL,
            # Proxies speak HTTP/1.1 to it. To offer HTTP/2, granian waits for the first bytes without a time limit.
            http=HTTPModes.http1,
            websockets=False,
            backlog=BACKLOG,
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
    """Serve the application that ``load`` returns, until SIGTERM or SIGINT. Requests that have begun are answered."""
    loop = loops.get("auto")
    worker = HttpWorker(load(), sockets=sockets, number=number, most_connections=most_connections)
    for signum in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signum, worker.stop)
    loop.run_until_complete(worker.run(ready))
