"""Sockets inside of a test's process, on an event loop of their own: for tests that end sessions by calls in Python."""

import asyncio
import json
import threading
import time

from asgiref.sync import sync_to_async
from channels.testing import WebsocketCommunicator
from django.db import connections

from cedrina.routing import websocket_application
from security_events.live.database_thread import thread_of_process

TIMEOUT = 60


class SocketThread:
    """An event loop in a thread, and the sockets that were opened in it. Needs a test with real transactions."""

    def __enter__(self):
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self._opened = []
        return self

    def __exit__(self, *_error):
        self._call(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def open(self, path, token, *, language="en"):
        """Open a socket by an access token."""
        return self._call(self._open(path, token, language))

    def send(self, socket, frame):
        """Send an object."""
        self._call(socket.send_to(text_data=json.dumps(frame)))

    def frames_of(self, socket, number):
        """Return the next frames of a socket as objects."""
        return [json.loads(self._call(socket.frames.get())) for _ in range(number)]

    def frame_within(self, socket, *, seconds):
        """Return the next frame as an object; None if none comes in time."""

        async def get():
            try:
                return json.loads(await asyncio.wait_for(socket.frames.get(), seconds))
            except TimeoutError:
                return None

        return self._call(get())

    def end_of(self, socket):
        """Return the code by which a socket was closed, and when by `time.monotonic()`."""
        return self._call(socket.ended)

    def is_open(self, socket):
        return not socket.ended.done()

    def _call(self, awaitable):
        async def run():
            return await asyncio.wait_for(awaitable, TIMEOUT)

        return asyncio.run_coroutine_threadsafe(run(), self._loop).result()

    async def _open(self, path, token, language):
        headers = [(b"authorization", f"Bearer {token}".encode()), (b"accept-language", language.encode())]
        socket = WebsocketCommunicator(websocket_application, path, headers=headers)
        accepted, _ = await socket.connect(timeout=TIMEOUT)
        assert accepted
        socket.frames = asyncio.Queue()
        socket.ended = asyncio.ensure_future(self._ended(socket))
        self._opened.append(socket)
        return socket

    async def _ended(self, socket):
        while (message := await socket.receive_output(timeout=10 * TIMEOUT))["type"] != "websocket.close":
            socket.frames.put_nowait(message["text"])
        return message["code"], time.monotonic()

    async def _close(self):
        for socket in self._opened:
            socket.ended.cancel()
            await socket.disconnect(timeout=TIMEOUT)
        await sync_to_async(connections.close_all)()
        await thread_of_process().call(connections.close_all)
