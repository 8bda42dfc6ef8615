"""How many requests of a process compute at a time, and which database connection each of them uses.

Many threads are needed: each sign-in waits a quarter of a second for its hash, and longer in a queue. If all computed
at once they would hand the interpreter's lock to and fro, and if each kept a connection there would be hundreds. So a
thread takes a slot while it works, and with it the slot's connection; it gives both back while it waits for the hashing
pool.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any

from django.db import DEFAULT_DB_ALIAS, Error, connections

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper

Application = Callable[[dict[str, Any], Any], Iterable[bytes]]
# Longer than any answer may take; whoever still waits then is told to come back.
WAIT_SECONDS = 10.0


class NoSlotFree(Exception):
    """Everybody before us is slow; the caller is to be answered 503."""


class Slots:
    """A queue of connections. The interpreter implements it in C, where a Semaphore would be Python."""

    def __init__(self, number: int) -> None:
        self._free: SimpleQueue[BaseDatabaseWrapper] = SimpleQueue()
        self._held = threading.local()
        for _ in range(number):
            connection = connections.create_connection(DEFAULT_DB_ALIAS)
            connection.inc_thread_sharing()
            self._free.put(connection)

    def warm_up(self, number: int) -> None:
        """Open so many connections before the first request needs them. A database that is not up yet is no fault."""
        taken = [self._free.get_nowait() for _ in range(number)]
        for connection in taken:
            with suppress(Error):
                connection.ensure_connection()
            self._free.put(connection)

    def take(self) -> None:
        """Wait for a slot and use its connection.

        Raises: NoSlotFree.
        """
        try:
            connection = self._free.get(timeout=WAIT_SECONDS)
        except Empty as error:
            raise NoSlotFree from error
        # Django has connections looked at when a request begins. One that gave its slot back in between goes on with
        # another connection, which may have died since: the next statement looks at that one first.
        connection.health_check_done = False  # type: ignore[attr-defined]  # not in the stubs
        connections[DEFAULT_DB_ALIAS] = connection
        self._held.connection = connection

    def give_back(self) -> None:
        """Let the next one have this thread's slot, if it has one, and forget its connection."""
        connection = getattr(self._held, "connection", None)
        if connection is not None:
            self._held.connection = None
            del connections[DEFAULT_DB_ALIAS]
            self._free.put(connection)

    @contextmanager
    def released(self) -> Iterator[None]:
        """Let others compute until the block ends. Who holds no slot, or an open transaction, keeps what it has."""
        connection = getattr(self._held, "connection", None)
        if connection is None or connection.in_atomic_block:
            yield
            return
        self.give_back()
        try:
            yield
        finally:
            self.take()


_slots: Slots | None = None


def use(*, number: int, warm: int = 0) -> Slots:
    """Set how many slots this process has."""
    global _slots  # noqa: PLW0603 - one for the process, set before its first request
    _slots = Slots(number)
    # In a thread of its own: a server that loads the application inside its event loop may not be blocked by Django.
    opening = threading.Thread(target=_slots.warm_up, args=(min(warm, number),))
    opening.start()
    opening.join()
    return _slots


@contextmanager
def released() -> Iterator[None]:
    """Give this thread's slot back while it waits for something that is not the interpreter."""
    if _slots is None:
        yield
        return
    with _slots.released():
        yield


def bounded(application: Application, slots: Slots) -> Application:
    """Let the application answer only while holding a slot.

    The answer is made whole and closed before the slot is given back: closing it looks after the connection.
    """

    def answer(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        slots.take()
        try:
            response = application(environ, start_response)
            try:
                return list(response)
            finally:
                getattr(response, "close", _nothing)()
        finally:
            slots.give_back()

    return answer


def _nothing() -> None:
    pass
