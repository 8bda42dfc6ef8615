"""The sockets on which the HTTP workers of one port listen: one for each, and none is closed while the port is served.

On one socket for all, the worker that wakes first accepts whatever waits. Of 32 connections that came at once to two
workers the busier one got 27 in the mean, often all, and of 8 it got 6.6. Of sockets that share a port (SO_REUSEPORT,
socket(7)) the kernel chooses one for each connection, by a hash of its addresses: then it gets 18, or 5. To count and
to pause who has more would come too late for those that come at once. Only Linux chooses so; on other systems there is
one socket for all.

A connection that waits at a socket can't be moved to another one. So the process that started the workers keeps all
sockets open, each worker notes again and again that it is there, and what waits at the socket of one that is not there
is accepted by the others.
"""

import mmap
import socket
import struct
import sys
import time

WAITING_CONNECTIONS = 1024
# Five notes of a worker that is not busy. One whose event loop stands still for so long answers nobody.
ABSENT_SECONDS = 0.5
# The first workers start together. Nobody helps one before it has had the time to: its connections would be closed
# again a moment later.
FIRST_START_SECONDS = 10.0
_MOMENT = struct.Struct("d")


class ListeningSockets:
    """The sockets of one port by the number of the worker, and when each worker was last there.

    The moments are in memory that is shared with the processes which are forked afterwards.
    """

    def __init__(self, host: str, port: int, workers: int) -> None:
        """Listen.

        Raises: OSError when the address cannot be used, or somebody else listens on it.
        """
        self._sockets = _listen(host, port, workers if sys.platform == "linux" else 1)
        self._moments = mmap.mmap(-1, _MOMENT.size * len(self._sockets))
        for number in range(len(self._sockets)):
            self.note_attended(number, time.monotonic() + FIRST_START_SECONDS)

    def of(self, worker: int) -> socket.socket:
        """Return the socket on which a worker accepts."""
        return self._sockets[worker % len(self._sockets)]

    def others(self, worker: int) -> list[int]:
        """Return the numbers of the workers that have another socket."""
        return [number for number in range(len(self._sockets)) if number != worker % len(self._sockets)]

    def note_attended(self, worker: int, now: float) -> None:
        """Note that a worker is there (``time.monotonic()``, the same in all processes)."""
        _MOMENT.pack_into(self._moments, _MOMENT.size * (worker % len(self._sockets)), now)

    def note_left(self, worker: int) -> None:
        """Note that a worker ended."""
        self.note_attended(worker, float("-inf"))

    def is_attended(self, worker: int, now: float) -> bool:
        """Whether a worker was there lately."""
        (noted,) = _MOMENT.unpack_from(self._moments, _MOMENT.size * worker)
        return bool(now - noted < ABSENT_SECONDS)


def _listen(host: str, port: int, number: int) -> list[socket.socket]:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Another server of the same user could share the port too. So it is first asked for alone.
    with socket.create_server((host, port), family=family) as alone:
        address = alone.getsockname()[:2]
    return [
        socket.create_server(address, family=family, backlog=WAITING_CONNECTIONS, reuse_port=number > 1)
        for _ in range(number)
    ]
