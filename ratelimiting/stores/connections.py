"""Connections to Redis of our own: a bound on every wait, no retries, and little work for one command."""

import os
import time
from collections import deque
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

# A connection that rested longer is looked at before it is used: its server may have gone.
RESTED = 1.0


class Connections:
    """Connections that are free, the last one used on top. There are never more than threads that ask at once.

    redis-py's own client and pool would take as long again as Redis itself for a script this short.
    """

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
        self._free: deque[tuple[Any, float]] = deque()
        # Attempts to connect, which tests count: while the circuit is open there are none.
        self.attempts = 0

    def run(self, *command: Any) -> Any:
        """Send one command and return its answer, bytes undecoded.

        Raises: redis.RedisError and OSError; what the connection was in the middle of is closed then.
        """
        connection = self._take()
        try:
            connection.send_packed_command(connection.pack_command(*command), check_health=False)
            answer = connection.read_response(disable_decoding=True)
        except (redis.ConnectionError, redis.TimeoutError):
            # Whatever ended this one has most likely ended the others.
            self.close()
            connection.disconnect()
            raise
        except redis.ResponseError:
            self._free.append((connection, time.monotonic()))
            raise
        except BaseException:
            connection.disconnect()
            raise
        self._free.append((connection, time.monotonic()))
        return answer

    def close(self) -> None:
        """Close what is free."""
        while True:
            try:
                connection, _ = self._free.pop()
            except IndexError:
                return
            connection.disconnect()

    def _take(self) -> Any:
        if self._process != os.getpid():
            # The parent still speaks over these.
            self._process, self._free = os.getpid(), deque()
        while True:
            try:
                connection, since = self._free.pop()
            except IndexError:
                break
            if time.monotonic() - since < RESTED or self._is_usable(connection):
                return connection
            connection.disconnect()
        connection = self._connection_class(**self._options)
        self.attempts += 1
        connection.connect()
        return connection

    @staticmethod
    def _is_usable(connection: Any) -> bool:
        """Whether nobody closed it in the meantime; there is nothing to read on one that may be used."""
        try:
            return not connection.can_read()
        except (redis.RedisError, OSError):
            return False
