"""Connections to Redis for one command at a time: every wait is bounded, nothing is retried.

redis-py opens a connection (address, TLS, password, database), sends and receives on it. Its client and its pool are
left out: around each command they cost more than Redis takes for it. A check of four levels by
``redis.Redis().execute_command`` takes 1.8 times as long and 2.4 times the CPU (61 interleaved rounds, Redis on
loopback). ``benchmarks/limiter.py`` compares both.
"""

import os
import time
from collections import deque
from typing import Any

import hiredis
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

# A connection that was idle for longer is tested before it is used: the server may have closed it.
IDLE_CHECK_SECONDS = 1.0


class RedisConnection:
    """One connection of redis-py, used through its public methods ``send_packed_command`` and ``read_response``."""

    def __init__(self, connection: Any) -> None:
        connection.connect()
        self._connection = connection

    def execute(self, command: tuple[Any, ...]) -> Any:
        """Send a command and return its answer; bytes are not decoded.

        hiredis packs the command: a check by ``Connection.send_command`` takes 1.16 times the CPU.

        Raises: redis.RedisError (ResponseError for an error that the server answers with), OSError.
        """
        self._connection.send_packed_command((hiredis.pack_command(command),), check_health=False)
        return self._connection.read_response(disable_decoding=True)

    def is_usable(self) -> bool:
        """Return whether the server has not closed it: a usable connection has nothing to read."""
        try:
            return not self._connection.can_read()
        except (redis.RedisError, OSError):
            return False

    def close(self) -> None:
        """Close it."""
        self._connection.disconnect()


class RedisConnectionPool:
    """Idle connections, the last used one first. There are never more than threads that execute commands at once."""

    def __init__(self, url: str, *, deadline: float, host: str | None = None, port: int | None = None) -> None:
        options: dict[str, Any] = {
            "socket_timeout": deadline,
            "socket_connect_timeout": deadline,
            "retry": Retry(NoBackoff(), 0),
            "protocol": 2,
            "driver_info": None,
        }
        # redis-py's pool is only used to parse the URL.
        pool = redis.ConnectionPool.from_url(url, **options)
        self._connection_class = pool.connection_class
        self._options = pool.connection_kwargs
        if host:
            self._options["host"] = host
        if port:
            self._options["port"] = port
        self._process = os.getpid()
        self._idle: deque[tuple[RedisConnection, float]] = deque()
        # How often a connection was opened; tests check that an open circuit opens none.
        self.attempts = 0

    def execute(self, *command: Any) -> Any:
        """Send one command and return its answer; bytes are not decoded.

        Raises: redis.RedisError, OSError. The connection that was in use is closed then.
        """
        connection = self._take()
        try:
            answer = connection.execute(command)
        except redis.ResponseError:
            # The answer was complete: the connection can be used again.
            self._idle.append((connection, time.monotonic()))
            raise
        except BaseException as error:
            # The rest of the answer may still arrive, and must not be read as the answer to another command.
            connection.close()
            if isinstance(error, redis.RedisError | OSError):
                # The same failure has most likely ended the other connections too.
                self.close()
            raise
        self._idle.append((connection, time.monotonic()))
        return answer

    def close(self) -> None:
        """Close the idle connections."""
        while True:
            try:
                connection, _ = self._idle.pop()
            except IndexError:
                return
            connection.close()

    def _take(self) -> RedisConnection:
        if self._process != os.getpid():
            # The process was forked: its parent still uses these connections.
            self._process, self._idle = os.getpid(), deque()
        while True:
            try:
                connection, idle_since = self._idle.pop()
            except IndexError:
                break
            if time.monotonic() - idle_since < IDLE_CHECK_SECONDS or connection.is_usable():
                return connection
            connection.close()
        self.attempts += 1
        return RedisConnection(self._connection_class(**self._options))
