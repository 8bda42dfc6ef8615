"""Requests handled in the test's own thread as a server handles them: within the limits, then by Django."""

import asyncio
import functools

from django.core.handlers.wsgi import WSGIHandler

from cedrina.serving.request_dispatcher import RequestDispatcher
from cedrina.serving.request_processing import RequestHandler


class EveryCall:
    """Declares each call as one for the event loop's thread, which is the test's."""

    def get(self, call):
        return b""


@functools.cache
def _handler():
    application = WSGIHandler()
    return RequestHandler(
        RequestDispatcher(on_event_loop=application, on_thread=application, event_loop_calls=EveryCall(), threads=1)
    )


def handle(environ):
    """Return status, headers and body of the response to a request in WSGI's form."""
    return asyncio.run(_handler().handle(environ, chunks(environ["wsgi.input"])))


async def chunks(stream):
    while chunk := stream.read(16 * 1024):
        yield chunk
