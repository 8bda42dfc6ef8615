"""Connections to Redis of our own: a bound on every wait, no retries, and little work for one command."""

import os
import time
from collections import deque
from typing import Any

import hiredis
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

# A connection that rested longer is looked at before it is used: its server may have gone.
RESTED = 1.0
# More than any answer of ours.
ROOM = 4096
_REFUSALS = {"MOVED": redis.exceptions.MovedError, "NOSCRIPT": redis.exceptions.NoScriptError}
_UNFINISHED = object()


def _refusal(message: str) -> redis.ResponseError:
    code, _, rest = message.partition(" ")
    return _REFUSALS[code](rest) if code in _REFUSALS else redis.ResponseError(message)


class Line:
    """One connection. redis-py opens it: address, TLS, password, database. Commands go past it, straight to hiredis."""

    def __init__(self, connection: Any) -> None:
        connection.connect()
        self._connection = connection
        # Around each command redis-py's own methods take as long again as Redis itself.
        self._socket = connection._sock  # noqa: SLF001 - it has no other name
        self._reader = hiredis.Reader(
            protocolError=redis.InvalidResponse, replyError=_refusal, notEnoughData=_UNFINISHED
        )

    def ask(self, command: tuple[Any, ...]) -> Any:
        """Return the answer to a command, a ResponseError too."""
        self._socket.sendall(hiredis.pack_command(command))
        while True:
            received = self._socket.recv(ROOM)
            if not received:
                raise redis.ConnectionError("Redis closed the connection.")
            self._reader.feed(received)
            answer = self._reader.gets(False)
            if answer is not _UNFINISHED:
                return answer

    def is_usable(self) -> bool:
        """Whether nobody closed it in the meantime; there is nothing to read on one that may be used."""
        try:
            return not self._connection.can_read()
        except (redis.RedisError, OSError):
            return False

    def close(self) -> None:
        """Close it."""
        self._connection.disconnect()


class Connections:
    """Connections that are free, the last one used on top. There are never more than threads that ask at once."""

    def __init__(self, url: str, *, deadline: float, host: str | None = None, port: int | None = None) -> None:
        options: dict[str, Any] = {
            "socket_timeout": deadline,
            "socket_connect_timeout": deadline,
            "retry": Retry(NoBackoff(), 0),
            "protocol": 2,
            "driver_info": None,
        }
        # The pool is used to read the address alone.
        pool = redis.ConnectionPool.from_url(url, **options)
        self._connection_class = pool.connection_class
        self._options = pool.connection_kwargs
        if host:
            self._options["host"] = host
        if port:
            self._options["port"] = port
        self._process = os.getpid()
        self._free: deque[tuple[Line, float]] = deque()
        # Attempts to connect, which tests count: while the circuit is open there are none.
        self.attempts = 0

    def run(self, *command: Any) -> Any:
        """Send one command and return its answer, bytes undecoded.

        Raises: redis.RedisError and OSError; what the connection was in the middle of is closed then.
        """
        line = self._take()
        try:
            answer = line.ask(command)
        except BaseException as error:
            # Nobody else may read what is still to come.
            line.close()
            if isinstance(error, redis.RedisError | OSError):
                # Whatever ended this one has most likely ended the others.
                self.close()
            raise
        self._free.append((line, time.monotonic()))
        if isinstance(answer, redis.ResponseError):
            raise answer
        return answer

    def close(self) -> None:
        """Close what is free."""
        while True:
            try:
                line, _ = self._free.pop()
            except IndexError:
                return
            line.close()

    def _take(self) -> Line:
        if self._process != os.getpid():
            # The parent still speaks over these.
            self._process, self._free = os.getpid(), deque()
        while True:
            try:
                line, since = self._free.pop()
            except IndexError:
                break
            if time.monotonic() - since < RESTED or line.is_usable():
                return line
            line.close()
        self.attempts += 1
        return Line(self._connection_class(**self._options))
