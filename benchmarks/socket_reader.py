"""Read many WebSockets in a process of its own, at so little cost that the figures are those of the server.

All sockets of one filter are sent the same bytes. So what was parsed for one of them is looked up for the others, by
comparing all bytes. Each event still counts for each socket, and has two times there: when the kernel of the client
had it (SO_TIMESTAMPNS), and when this process had read it. The first one leaves out how late the client is.
"""

import gc
import re
import resource
import select
import socket
import struct
import time
from collections import Counter
from contextlib import suppress
from typing import Any, NamedTuple

PER_PERSON = 10
READ_BYTES = 64 * 1024
HEAD = (
    "GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{token}\r\n"
)
WRITTEN = re.compile(rb'"number": ?(\d+), ?"written_at": ?"([\d.]+)"')
_TIMESTAMPS = 35  # SO_TIMESTAMPNS of Linux, which Python does not name
# Of RFC 6455, 5.2.
_TEXT, _PING, _PONG, _MASKED, _LENGTH_16 = 0x81, 0x89, 0x8A, 0x80, 126


class Parsed(NamedTuple):
    """The events of whole frames, each with its number and its time, their pings, and what is left of the last one."""

    events: tuple[tuple[int, float], ...] = ()
    pings: tuple[bytes, ...] = ()
    rest: bytes = b""


class Reading(NamedTuple):
    """What one call of ``recvmsg`` gave: seconds since 1970 at which the kernel and this process had it."""

    arrived_at: float
    read_at: float
    events: tuple[tuple[int, float], ...]


class Reader:
    """One socket."""

    def __init__(self, port: int, request: bytes) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.readings: list[Reading] = []
        self.socket.sendall(request)
        head = b""
        while b"\r\n\r\n" not in head and (data := self.socket.recv(READ_BYTES)):
            head += data
        head, _, self.rest = head.partition(b"\r\n\r\n")
        if b" 101 " not in (status := head.split(b"\r\n")[0]):
            raise ConnectionError(status)
        self.socket.setsockopt(socket.SOL_SOCKET, _TIMESTAMPS, 1)

    def read(self, known: dict[int, tuple[bytes, Parsed]]) -> bool:
        """Read once; return False when the server has closed. ``known`` has the last bytes of each length."""
        try:
            data, extras, _, _ = self.socket.recvmsg(READ_BYTES, 64)
        except ConnectionError:
            return False
        read_at = time.time()
        if not data:
            return False
        if self.rest:
            data = self.rest + data
        last, parsed = known.get(len(data), (b"", Parsed()))
        if last != data:
            parsed = parse(data)
            known[len(data)] = data, parsed
        self.rest = parsed.rest
        for ping in parsed.pings:
            self.send(_PONG, ping)
        if parsed.events:
            arrived_at = read_at
            if extras:  # of the last byte that was read
                seconds, nanoseconds = struct.unpack("qq", extras[0][2])
                arrived_at = seconds + nanoseconds / 1e9
            self.readings.append(Reading(arrived_at, read_at, parsed.events))
        return True

    def send(self, opcode: int, payload: bytes) -> None:
        """Send a frame of less than 126 bytes, with a mask of zeros."""
        with suppress(ConnectionError):
            self.socket.sendall(bytes([opcode, _MASKED | len(payload)]) + b"\0\0\0\0" + payload)


class Readers:
    """All sockets of this process."""

    def __init__(self) -> None:
        self.all: list[Reader] = []
        self.closed = 0
        self._poll = select.epoll()
        self._by_descriptor: dict[int, Reader] = {}
        self._known: dict[int, tuple[bytes, Parsed]] = {}

    def add(self, reader: Reader) -> None:
        """Read this socket, too."""
        self.all.append(reader)
        self._by_descriptor[reader.socket.fileno()] = reader
        self._poll.register(reader.socket.fileno(), select.EPOLLIN)

    def read(self, *, seconds: float) -> None:
        """Read once what comes; wait so long for something."""
        for descriptor, _ in self._poll.poll(seconds):
            if not self._by_descriptor[descriptor].read(self._known):
                self.closed += 1
                self._poll.unregister(descriptor)


def parse(data: bytes) -> Parsed:
    """Return what the frames of a server hold, which are not masked."""
    events, pings, at = [], [], 0
    while len(data) - at >= 2:
        length, start = data[at + 1], at + 2
        if length >= _LENGTH_16:
            start += 2 if length == _LENGTH_16 else 8
            length = int.from_bytes(data[at + 2 : start], "big")
        if len(data) < start + length:
            break
        if data[at] == _PING:
            pings.append(data[start : start + length])
        elif found := WRITTEN.search(data, start, start + length):
            events.append((int(found[1]), float(found[2])))
        at = start + length
    return Parsed(tuple(events), tuple(pings), data[at:])


def read(tokens: list[str], port: int, sockets: int, path: str, ask: str, pipe: Any) -> None:  # noqa: PLR0917 - of a process
    """Open sockets, say so, read until told to stop, and send the figures."""
    gc.disable()  # nothing here is a cycle
    readers = Readers()
    for number in range(sockets):
        token = f"Authorization: Bearer {tokens[number // PER_PERSON]}\r\n" if tokens else ""
        readers.add(Reader(port, HEAD.format(path=path, token=token).encode()))
        readers.read(seconds=0)
    pipe.send("open")
    if ask:
        readers.all[0].send(_TEXT, ask.encode())
    began, cpu = time.monotonic(), cpu_seconds()
    while not pipe.poll():
        readers.read(seconds=0.1)
    share = (cpu_seconds() - cpu) / (time.monotonic() - began)
    pipe.send({**figures(readers.all), "closed": readers.closed, "client_cpu_share": round(share, 2)})


def figures(readers: list[Reader]) -> dict[str, Any]:
    """Return what the sockets missed or had twice, and how late events were, in milliseconds."""
    arrived, seen, counts, doubled = [], [], [], 0
    for reader in readers:
        numbers: Counter[int] = Counter()
        for reading in reader.readings:
            for number, written_at in reading.events:
                numbers[number] += 1
                arrived.append(reading.arrived_at - written_at)
                seen.append(reading.read_at - written_at)
        counts.append(len(numbers))
        doubled += numbers.total() - len(numbers)
    return {"fewest": min(counts), "doubled": doubled, **shares(seen, "ms"), **shares(arrived, "ms_in_kernel")}


def shares(latencies: list[float], unit: str) -> dict[str, float]:
    """Return the median, the 99th percentile and the longest of some seconds, in milliseconds."""
    latencies = sorted(latencies) or [0.0]
    places = {50: len(latencies) // 2, 99: len(latencies) * 99 // 100, 100: len(latencies) - 1}
    return {f"p{share}_{unit}": round(1000 * latencies[place], 1) for share, place in places.items()}


def cpu_seconds() -> float:
    """Return the CPU time of this process, with what the kernel did for it."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime
