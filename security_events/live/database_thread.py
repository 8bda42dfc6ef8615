"""One thread with one database connection, for what all sockets of a process need from the database all the time."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar
from weakref import WeakKeyDictionary

from django.db import connection

T = TypeVar("T")


class DatabaseThread:
    """Calls functions one after the other, on one thread and so by one connection."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(1, thread_name_prefix="live-events")

    async def call(self, function: Callable[[], T]) -> T:
        """Return what a function returns that uses the database.

        Raises: what the function raises.
        """
        return await asyncio.get_running_loop().run_in_executor(self._threads, _with_usable_connection, function)

    def close_connection(self) -> None:
        """Close the connection after the calls that wait; the next call opens another one."""
        self._threads.submit(connection.close)


_threads: WeakKeyDictionary[asyncio.AbstractEventLoop, DatabaseThread] = WeakKeyDictionary()


def thread_of_process() -> DatabaseThread:
    """Return the thread of the running event loop; a server has one loop."""
    loop = asyncio.get_running_loop()
    if loop not in _threads:
        _threads[loop] = DatabaseThread()
    return _threads[loop]


def _with_usable_connection(function: Callable[[], T]) -> T:
    connection.close_if_unusable_or_obsolete()
    return function()
