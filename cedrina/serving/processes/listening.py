"""The listening sockets of one port: one for each HTTP worker. None is closed while the port is served.

On one shared socket the worker that wakes first accepts all waiting connections. Of 32 connections that arrived at once
at two workers the busier one got 27 on average, often all; of 8 it got 6.6. Among sockets that share a port
(SO_REUSEPORT, socket(7)) the kernel chooses one for each connection by a hash of its addresses: then the busier one
gets 18, or 5. Counting connections and pausing the busier worker would be too late for those that arrive at once. Only
Linux balances so; on other systems all workers share one socket.

A connection that waits at a socket cannot be moved to another one. So the supervising process keeps all sockets open,
each worker records a heartbeat, and the other workers accept the connections of one without a heartbeat.
"""

import socket
import struct
import sys
import time
from typing import Self

from cedrina.serving.processes.shared_memory import SharedMemory

BACKLOG = 1024
# Longer than the event loop of a working process is ever blocked: up to 2.4 seconds by a silent database, see
# ``cedrina.database.timeouts``. A takeover that begins too early ends by closing connections that clients still use.
HEARTBEAT_TIMEOUT_SECONDS = 3.0
# The first workers start together. None takes over for another one that is still starting: the takeover would end a
# moment later, and with it the connections.
FIRST_START_TIMEOUT_SECONDS = 10.0
# A worker that ends closes connections of which it has read nothing. So the kernel keeps each connection back until its
# first bytes are there, or for about this time (TCP_DEFER_ACCEPT, tcp(7)): it is for the next worker then.
SILENT_SECONDS = 10
_TIME = struct.Struct("d")


class ListeningSockets:
    """The sockets of one port by the position of the worker, and the last heartbeat of each worker.

    Heartbeats are in memory that is shared with processes that are forked afterwards.
    """

    def __init__(self, sockets: list[socket.socket], *, heartbeats: int | None = None) -> None:
        """Take sockets that listen, and the descriptor of the memory with the heartbeats if there is one already."""
        self._sockets = sockets
        self._memory = SharedMemory(_TIME.size * len(sockets), descriptor=heartbeats)

    @classmethod
    def listen(cls, host: str, port: int, workers: int) -> Self:
        """Listen on the address.

        Raises: OSError when the address cannot be used, or another process listens on it.
        """
        listening = cls(_listen(host, port, workers if sys.platform == "linux" else 1))
        for number in range(len(listening.descriptors)):
            listening.record_heartbeat(number, time.monotonic() + FIRST_START_TIMEOUT_SECONDS)
        return listening

    @classmethod
    def inherited(cls, sockets: list[int], heartbeats: int) -> Self:
        """Return the sockets and the heartbeats that the previous program of this process left open."""
        return cls([socket.socket(fileno=number) for number in sockets], heartbeats=heartbeats)

    @property
    def descriptors(self) -> list[int]:
        """The descriptors of the sockets."""
        return [each.fileno() for each in self._sockets]

    @property
    def heartbeats_descriptor(self) -> int:
        """The descriptor of the memory with the heartbeats."""
        return self._memory.descriptor

    def of(self, worker: int) -> socket.socket:
        """Return the socket of a worker."""
        return self._sockets[worker % len(self._sockets)]

    def others(self, worker: int) -> list[int]:
        """Return the numbers of the workers that have another socket."""
        return [number for number in range(len(self._sockets)) if number != worker % len(self._sockets)]

    def record_heartbeat(self, worker: int, now: float) -> None:
        """Record that a worker is alive at ``now``, by ``time.monotonic()``, which is the same in all processes."""
        _TIME.pack_into(self._memory.content, _TIME.size * (worker % len(self._sockets)), now)

    def record_exit(self, worker: int) -> None:
        """Record that a worker has ended."""
        self.record_heartbeat(worker, float("-inf"))

    def is_alive(self, worker: int, now: float) -> bool:
        """Return whether a worker had a heartbeat within HEARTBEAT_TIMEOUT_SECONDS."""
        (heartbeat,) = _TIME.unpack_from(self._memory.content, _TIME.size * worker)
        return bool(now - heartbeat < HEARTBEAT_TIMEOUT_SECONDS)


def _listen(host: str, port: int, number: int) -> list[socket.socket]:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Another server of the same user could share the port, too. A first socket without SO_REUSEPORT excludes that.
    with socket.create_server((host, port), family=family) as exclusive:
        address = exclusive.getsockname()[:2]
    found = [
        socket.create_server(address, family=family, backlog=BACKLOG, reuse_port=number > 1) for _ in range(number)
    ]
    if sys.platform == "linux":
        for each in found:
            each.setsockopt(socket.IPPROTO_TCP, socket.TCP_DEFER_ACCEPT, SILENT_SECONDS)
    return found
