"""A pool of database connections, which also limits how many threads compute at a time.

Many threads are needed: a sign-in waits a quarter of a second for its password hash, and longer in the queue of hashes.
If all threads computed at once they would compete for the interpreter's lock, and if each had a connection there would
be hundreds. So a thread computes only while it holds a connection of the pool, and releases it while it waits for a
hash or for a provider.

Django's own pool (``OPTIONS["pool"]``) checks a connection by a statement at each checkout, and returns it at the end
of the request only. Figures are in docs/architecture.md, "Clever parts".
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any

from django.db import DEFAULT_DB_ALIAS, Error, connections

from cedrina_base.measures import Gauge

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper

# Of all processes. The connection of the event loop's thread is no slot: it is never waited for.
SLOTS = Gauge("connection_slots_in_use", "Connections of the pools that a thread holds.")
MOST_SLOTS = Gauge("connection_slots", "Connections that the pools have.")
WsgiApplication = Callable[[dict[str, Any], Any], Iterable[bytes]]
# Longer than any response may take.
ACQUIRE_TIMEOUT_SECONDS = 10.0


class NoConnectionAvailable(Exception):
    """No connection was released in time. The client is to be answered 503."""


class ConnectionPool:
    """A queue of connections to the default database. ``SimpleQueue`` is in C; a ``Semaphore`` would be in Python."""

    def __init__(self, size: int) -> None:
        self._idle: SimpleQueue[BaseDatabaseWrapper] = SimpleQueue()
        self._held = threading.local()
        for _ in range(size):
            connection = connections.create_connection(DEFAULT_DB_ALIAS)
            connection.inc_thread_sharing()
            self._idle.put(connection)

    def open_connections(self, number: int) -> None:
        """Open ``number`` connections before the first request needs them. Ignore a database that is not up yet."""
        taken = [self._idle.get_nowait() for _ in range(number)]
        for connection in taken:
            with suppress(Error):
                connection.ensure_connection()
            self._idle.put(connection)

    def acquire(self) -> None:
        """Wait for a connection and make it the default connection of this thread.

        Raises: NoConnectionAvailable after ACQUIRE_TIMEOUT_SECONDS.
        """
        try:
            connection = self._idle.get(timeout=ACQUIRE_TIMEOUT_SECONDS)
        except Empty as error:
            raise NoConnectionAvailable from error
        # Django checks connections when a request begins. A thread that released its connection in the meantime goes on
        # with another one, which may have died: the next statement checks it first.
        connection.health_check_done = False  # type: ignore[attr-defined]  # not in the stubs
        connections[DEFAULT_DB_ALIAS] = connection
        self._held.connection = connection
        SLOTS.add()

    def release(self) -> None:
        """Return this thread's connection to the pool, if it holds one."""
        connection = getattr(self._held, "connection", None)
        if connection is not None:
            self._held.connection = None
            del connections[DEFAULT_DB_ALIAS]
            self._idle.put(connection)
            SLOTS.add(number=-1)

    @contextmanager
    def released(self) -> Iterator[None]:
        """Release this thread's connection until the block ends.

        A thread without a connection of the pool, or with an open transaction, keeps what it has.

        Raises: NoConnectionAvailable at the end of the block.
        """
        connection = getattr(self._held, "connection", None)
        if connection is None or connection.in_atomic_block:
            yield
            return
        self.release()
        try:
            yield
        finally:
            self.acquire()


_pool: ConnectionPool | None = None


def create_pool(*, size: int, opened: int = 0) -> ConnectionPool:
    """Create the pool of this process, with ``opened`` connections that are open already."""
    global _pool  # noqa: PLW0603 - one for the process, set before its first request
    _pool = ConnectionPool(size)
    MOST_SLOTS.set(size)
    # On a thread: a server that loads the application inside its event loop has a running loop on its own thread.
    opening = threading.Thread(target=_pool.open_connections, args=(min(opened, size),))
    opening.start()
    opening.join()
    return _pool


@contextmanager
def connection_released() -> Iterator[None]:
    """Release this thread's connection while it waits for something else than the database.

    ``ACCOUNTS["WHILE_HASHING"]`` and ``ACCOUNTS["WHILE_WAITING"]`` name it.
    """
    if _pool is None:
        yield
        return
    with _pool.released():
        yield


def with_pooled_connection(application: WsgiApplication, pool: ConnectionPool) -> WsgiApplication:
    """Return a WSGI application that calls ``application`` while its thread holds a connection of the pool.

    The response is complete and closed before the connection is released, because Django closes unusable connections
    when the response is closed.
    """

    def respond(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        pool.acquire()
        try:
            response = application(environ, start_response)
            try:
                return list(response)
            finally:
                getattr(response, "close", _nothing)()
        finally:
            pool.release()

    return respond


def _nothing() -> None:
    pass
