"""Where a request is answered: at once on the event loop's own thread, or on a thread of a pool that may wait.

The calls of which there are many take under a millisecond, and the interpreter runs one of them at a time anyway. A hop
to another thread would cost each of them a third more and buy nothing, and threads that compete for the interpreter's
lock make the slowest answers several times slower. So the loop stands still while it answers one, and goes on with the
next. All else, a password's hash or a page of the admin, is answered on threads.
"""

import asyncio
from asyncio import events
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Any

from cedrina.http.paths import is_quick
from cedrina.serving.connection_pool import Application

Answer = tuple[int, list[tuple[str, str]], bytes]


class Lanes:
    """The two ways to answer."""

    def __init__(self, *, quick: Application, slow: Application, threads: int) -> None:
        self._quick = quick
        self._slow = slow
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="answering")

    async def answer(self, environ: dict[str, Any]) -> Answer:
        if is_quick(environ["PATH_INFO"], environ["REQUEST_METHOD"]):
            return self._at_once(environ)
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, copy_context().run, call, self._slow, environ)

    def _at_once(self, environ: dict[str, Any]) -> Answer:
        loop = events._get_running_loop()  # noqa: SLF001 - documented for those who build event loops
        # Django refuses to talk to the database while a loop runs. This one doesn't: it waits here.
        events._set_running_loop(None)  # noqa: SLF001
        try:
            return call(self._quick, environ)
        finally:
            events._set_running_loop(loop)  # noqa: SLF001


def call(application: Application, environ: dict[str, Any]) -> Answer:
    """Call a WSGI application and collect what it answers."""
    started: list[Any] = []

    def start_response(status: str, headers: list[tuple[str, str]], _exc_info: Any = None) -> None:
        started[:] = int(status[:3]), headers

    chunks = application(environ, start_response)
    try:
        body = b"".join(chunks)
    finally:
        close = getattr(chunks, "close", None)
        if close is not None:
            close()
    status, headers = started
    return status, headers, body
