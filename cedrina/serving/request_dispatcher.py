"""Choose the thread that answers a request: the event loop's own, or one of a thread pool.

A view declares the methods that the event loop's thread answers, as ``event_loop_methods = frozenset({"GET"})``. These
are calls that take under a millisecond, wait for the database only, and come often. All other calls run on threads,
such as those that hash a password. While the event loop's thread answers a call the loop stands still. A call that may
wait if its body has a certain member declares it as ``waits_for``; bodies that can have it are answered on threads.

What it buys is in docs/architecture.md, "Clever parts".
"""

import asyncio
from asyncio import events
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Any

from cedrina.serving.connection_pool import WsgiApplication

RawResponse = tuple[int, list[tuple[str, str]], bytes]
Call = tuple[str, str]  # method and path


class RequestDispatcher:
    """Calls a WSGI application, on the event loop's thread or on a thread of its pool."""

    def __init__(
        self,
        *,
        on_event_loop: WsgiApplication,
        on_thread: WsgiApplication,
        event_loop_calls: Mapping[Call, bytes],
        threads: int,
    ) -> None:
        self._on_event_loop = on_event_loop
        self._on_thread = on_thread
        self._event_loop_calls = event_loop_calls
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="request")

    async def dispatch(self, environ: dict[str, Any]) -> RawResponse:
        """Return the application's response to a request in WSGI's form (PEP 3333)."""
        # The whole path and the exact method decide (RFC 9110, 9.1): another spelling of either runs on a thread.
        waits_for = self._event_loop_calls.get((environ["REQUEST_METHOD"], environ["PATH_INFO"]))
        if waits_for is not None and not (waits_for and _can_have(environ["wsgi.input"].getvalue(), waits_for)):
            return self._call_on_event_loop(environ)
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, copy_context().run, call_application, self._on_thread, environ)

    def _call_on_event_loop(self, environ: dict[str, Any]) -> RawResponse:
        loop = events._get_running_loop()  # noqa: SLF001 - asyncio documents both for implementers of event loops
        # Django refuses to use the database while an event loop runs on the thread. This loop does not run: it waits.
        events._set_running_loop(None)  # noqa: SLF001
        try:
            return call_application(self._on_event_loop, environ)
        finally:
            events._set_running_loop(loop)  # noqa: SLF001


def _can_have(body: bytes, member: bytes) -> bool:
    """Return whether an object in JSON can have a member. Only an escape could spell its name in another way."""
    return member in body or b"\\" in body


def call_application(application: WsgiApplication, environ: dict[str, Any]) -> RawResponse:
    """Call a WSGI application and return its whole response; close the response (PEP 3333)."""
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
