"""A network that can fail: a TCP proxy on loopback between the application and one of its servers."""

import asyncio
import contextlib
import socket
import struct
import threading
from urllib.parse import urlsplit, urlunsplit

from tests.programs.ports import free_port

AT_ONCE = struct.pack("ii", 1, 0)  # SO_LINGER: closing sends RST
START_SECONDS = 120


class Link:
    """One connection from a client to the server. A dead one accepts bytes and forwards none."""

    def __init__(self, client, server):
        self.writers = [client, server]
        self.is_dead = False

    def close(self):
        for writer in self.writers:
            writer.close()

    def reset(self):
        for writer in self.writers:
            with contextlib.suppress(OSError):  # it was closed already
                writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, AT_ONCE)
            writer.transport.abort()


class Network:
    """Passes everything on until it is told otherwise; ``heal`` lets new connections pass, and the living old ones."""

    def __init__(self, url):
        self._target = urlsplit(url)
        self.port = free_port()
        self.links = set()
        self.seconds = 0.0  # each chunk is late by so much
        self.bytes_at_once = 65536
        self._swallows = self._resets = False
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._listening = None

    @property
    def url(self):
        """The server's URL by way of this network."""
        credentials, at, _ = self._target.netloc.rpartition("@")
        return urlunsplit(self._target._replace(netloc=f"{credentials}{at}127.0.0.1:{self.port}"))

    def __enter__(self):
        self._thread.start()
        self._run(self._listen())
        return self

    def __exit__(self, *_about):
        self._run(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(START_SECONDS)
        self._loop.close()

    def cut(self):
        """Close every connection and refuse new ones."""
        self._run(self._close())
        self._run(self._drop(Link.close))

    def reset(self):
        """Answer every connection, old and new, with RST."""
        self._resets = True
        self._run(self._drop(Link.reset))

    def swallow(self):
        """Drop every packet: the present connections are dead for ever, new ones are accepted and get no response."""
        self._swallows = True
        self.forget()

    def forget(self):
        """Let the present connections die without a word; new ones pass."""
        for link in list(self.links):
            link.is_dead = True

    def delay(self, seconds):
        """Be late, by so many seconds in each direction."""
        self.seconds = seconds

    def drip(self, number):
        """Pass so many bytes at once, twenty times a second."""
        self.bytes_at_once, self.seconds = number, 0.05

    def heal(self):
        self._swallows = self._resets = False
        self.seconds, self.bytes_at_once = 0.0, 65536
        if self._listening is None:
            self._run(self._listen())

    def _run(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(START_SECONDS)

    async def _listen(self):
        self._listening = await asyncio.start_server(self._accept, "127.0.0.1", self.port)

    async def _close(self):
        if self._listening is not None:
            self._listening.close()
            self._listening = None

    async def _drop(self, how):
        for link in list(self.links):
            how(link)

    async def _end(self):
        await self._close()
        for _ in range(3):
            await asyncio.sleep(0)  # a task that is cancelled before it began would leave its connection open
        for link in list(self.links):
            link.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _accept(self, reader, writer):
        link = Link(writer, writer)
        if self._resets:
            link.reset()
            return
        try:
            if self._swallows:
                link.is_dead = True
                self.links.add(link)
                await self._pass(link, reader, writer)
                return
            theirs, to_server = await asyncio.open_connection(self._target.hostname, self._target.port)
            link = Link(writer, to_server)
            self.links.add(link)
            await asyncio.gather(self._pass(link, reader, to_server), self._pass(link, theirs, writer))
        except OSError:
            link.reset()  # there is no server, or an end went away in the middle
        except asyncio.CancelledError:
            pass  # the network ends; asyncio would report what it cancelled itself
        finally:
            self.links.discard(link)
            link.close()

    async def _pass(self, link, reader, writer):
        while chunk := await reader.read(self.bytes_at_once):
            if self.seconds:
                await asyncio.sleep(self.seconds)
            if not link.is_dead:
                writer.write(chunk)
                await writer.drain()
        if not link.is_dead:
            link.close()
